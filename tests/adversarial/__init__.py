"""An adversarial corpus: incidents full of canaries, and a search for every leak."""
