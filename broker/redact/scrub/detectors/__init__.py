"""The detectors, one file each. How well each works: docs/redaction.md."""

from __future__ import annotations

from typing import Final

from broker.redact.scrub.detectors.bank_account import BankAccount
from broker.redact.scrub.detectors.coordinates import Coordinates
from broker.redact.scrub.detectors.crypto_wallet import CryptoWallet
from broker.redact.scrub.detectors.detector import Detector, Span
from broker.redact.scrub.detectors.device_number import DeviceNumber
from broker.redact.scrub.detectors.email_address import EmailAddress
from broker.redact.scrub.detectors.ip_address import IpAddress
from broker.redact.scrub.detectors.mac_address import MacAddress
from broker.redact.scrub.detectors.payment_card import PaymentCard
from broker.redact.scrub.detectors.personal_number import PersonalNumber
from broker.redact.scrub.detectors.phone_number import PhoneNumber
from broker.redact.scrub.detectors.secret import Secret
from broker.redact.scrub.detectors.vehicle_plate import VehiclePlate

# In this order a part that two of them found is named.
DETECTORS: Final[tuple[Detector, ...]] = (
    Secret(),
    EmailAddress(),
    BankAccount(),
    PaymentCard(),
    PersonalNumber(),
    DeviceNumber(),
    CryptoWallet(),
    IpAddress(),
    MacAddress(),
    PhoneNumber(),
    VehiclePlate(),
    Coordinates(),
)

__all__ = ["DETECTORS", "Detector", "Span"]
