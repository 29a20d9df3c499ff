"""Attributes of a session: those that follow from its resource name, and those that rule its reads and writes."""

from __future__ import annotations

import math
import re
from typing import Any

from pyvisa import attributes, constants, rname
from pyvisa.constants import InterfaceType, LineState, ResourceAttribute, SerialTermination, StatusCode
from pyvisa_sim.sessions.session import Session

__all__ = ["AttributedSession"]


class AttributedSession(Session):
    """A session as far as its attributes go; what reads and writes need of them is kept at hand.

    Parameters
    ----------
    manager
        Handle of the resource manager.
    name
        Parsed resource name.
    """

    def __init__(self, manager: Any, name: rname.ResourceName) -> None:
        self.session_type = (name.interface_type_const, name.resource_class)
        self._serial = name.interface_type_const == InterfaceType.asrl
        self._bus = name.interface_type_const == InterfaceType.gpib
        self._socket = name.resource_class == "SOCKET"
        self._stream = self._serial or self._socket
        super().__init__(manager, str(name), name)
        self._keep_at_hand()

    def after_parsing(self) -> None:
        """Fill in the attributes that the interface and the resource name give away."""
        self.attrs.update(_INTERFACE_ATTRIBUTES.get(self.session_type[0], {}))
        self.attrs.update(_name_attributes(self.parsed))

    def get_attribute(self, attribute: ResourceAttribute) -> tuple[Any, StatusCode]:
        """Return an attribute's value and a status."""
        known = attributes.AttributesByID.get(int(attribute))
        if known is None or not known.read:
            return 0, StatusCode.error_nonsupported_attribute
        value, status = super().get_attribute(attribute)
        if status == StatusCode.success and value is attributes.NotAvailable:
            return 0, StatusCode.error_nonsupported_attribute
        return value, status

    def set_attribute(self, attribute: ResourceAttribute, attribute_state: Any) -> StatusCode:
        """Set an attribute and return a status; a value outside its range is refused."""
        known = attributes.AttributesByID.get(int(attribute))
        if known is not None and known.write and not _allowed(known, attribute_state):
            return StatusCode.error_nonsupported_attribute_state
        status = super().set_attribute(attribute, attribute_state)
        self._keep_at_hand()
        return status

    def _keep_at_hand(self) -> None:
        def value(attribute: ResourceAttribute, default: Any) -> Any:
            if attribute in self.attrs:  # as most are; drivers set termination characters with every block they read
                return self.attrs[attribute]
            result, status = super(AttributedSession, self).get_attribute(attribute)
            return result if status == StatusCode.success else default

        milliseconds = value(ResourceAttribute.timeout_value, 2000)
        self._timeout = math.inf if milliseconds == constants.VI_TMO_INFINITE else milliseconds / 1000
        self._send_end = bool(value(ResourceAttribute.send_end_enabled, True)) and not self._stream
        self._character = character = int(value(ResourceAttribute.termchar, 10))
        self._termination = character if value(ResourceAttribute.termchar_enabled, False) else None
        self._heeds_end = not value(ResourceAttribute.suppress_end_enabled, False)
        if self._serial:  # there is no END on a serial line; a termination character may stand for it
            self._heeds_end = False
            if value(ResourceAttribute.asrl_end_in, None) == SerialTermination.termination_char:
                self._termination = character
            ending = value(ResourceAttribute.asrl_end_out, None)
            self._send_character = ending == SerialTermination.termination_char


def _allowed(attribute: Any, value: Any) -> bool:
    """Whether VISA's attribute description admits a value."""
    if issubclass(attribute, attributes.CharAttribute):  # a byte, which PyVISA itself writes as its number
        return isinstance(value, int) and 0 <= value <= 255
    if issubclass(attribute, attributes.RangeAttribute):
        inside = isinstance(value, int) and attribute.min_value <= value <= attribute.max_value
        return inside or (isinstance(value, int) and value in (attribute.values or ()))
    if issubclass(attribute, (attributes.EnumAttribute, attributes.FlagAttribute)):
        try:
            attribute.enum_type(value)
        except ValueError:
            return False
    return True


def _name_attributes(name: rname.ResourceName) -> dict[ResourceAttribute, Any]:
    """Return the attributes that a parsed resource name gives away."""
    parsed: Any = name
    values: dict[ResourceAttribute, Any] = {
        **_COMMON_ATTRIBUTES,
        ResourceAttribute.interface_instrument_name: f"simulated {name.interface_type} interface",
    }
    for attribute, field in _NAME_ATTRIBUTES.items():
        text = getattr(parsed, field, None)
        if text is None:
            continue
        if attribute in _TEXT_ATTRIBUTES:
            values[attribute] = text
        elif re.fullmatch(r"0x[0-9a-fA-F]+|\d+", text):  # a serial port may have a path for a number
            values[attribute] = int(text, 16 if text.startswith("0x") else 10)
    if isinstance(parsed, rname.GPIBInstr) and not parsed.secondary_address:
        values[ResourceAttribute.gpib_secondary_address] = constants.VI_NO_SEC_ADDR
    return values


_COMMON_ATTRIBUTES: dict[ResourceAttribute, Any] = {
    ResourceAttribute.resource_manufacturer_name: "mqtctl",
    ResourceAttribute.resource_manufacturer_id: 0,
    ResourceAttribute.resource_impl_version: 0,
    ResourceAttribute.read_buffer_size: 4096,
    ResourceAttribute.write_buffer_size: 4096,
    ResourceAttribute.dma_allow_enabled: False,
}
_INTERFACE_ATTRIBUTES: dict[InterfaceType, dict[ResourceAttribute, Any]] = {
    InterfaceType.gpib: {ResourceAttribute.gpib_ren_state: LineState.asserted},
    InterfaceType.tcpip: {
        ResourceAttribute.tcpip_is_hislip: False,
        ResourceAttribute.tcpip_hislip_version: 0,
        ResourceAttribute.tcpip_hislip_overlap_enable: False,
    },
    InterfaceType.asrl: {
        ResourceAttribute.asrl_connected: True,
        ResourceAttribute.asrl_cts_state: LineState.asserted,
        ResourceAttribute.asrl_dsr_state: LineState.asserted,
        ResourceAttribute.asrl_dcd_state: LineState.asserted,
        ResourceAttribute.asrl_ri_state: LineState.unasserted,
        ResourceAttribute.asrl_dtr_state: LineState.asserted,
        ResourceAttribute.asrl_rts_state: LineState.asserted,
    },
    InterfaceType.usb: {
        ResourceAttribute.usb_protocol: 1,
        ResourceAttribute.is_4882_compliant: True,
    },
}
_NAME_ATTRIBUTES = {
    ResourceAttribute.interface_number: "board",
    ResourceAttribute.gpib_primary_address: "primary_address",
    ResourceAttribute.gpib_secondary_address: "secondary_address",
    ResourceAttribute.tcpip_address: "host_address",
    ResourceAttribute.tcpip_hostname: "host_address",
    ResourceAttribute.tcpip_device_name: "lan_device_name",
    ResourceAttribute.tcpip_port: "port",
    ResourceAttribute.manufacturer_id: "manufacturer_id",
    ResourceAttribute.model_code: "model_code",
    ResourceAttribute.usb_serial_number: "serial_number",
    ResourceAttribute.usb_interface_number: "usb_interface_number",
}
_TEXT_ATTRIBUTES = frozenset(
    {
        ResourceAttribute.tcpip_address,
        ResourceAttribute.tcpip_hostname,
        ResourceAttribute.tcpip_device_name,
        ResourceAttribute.usb_serial_number,
    }
)
