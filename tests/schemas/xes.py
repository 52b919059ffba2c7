"""What the XML schema of IEEE 1849-2016 (XES) asks of a file, written down as a schema of our own.

The published schema may not be redistributed, so these are its rules in our words: the order inside a log (extensions,
globals, classifiers, attributes, traces, events), which attributes are required, and the types of all values.
"""

from __future__ import annotations

from lxml import etree

_SCHEMA = """
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns="http://www.xes-standard.org/"
           targetNamespace="http://www.xes-standard.org/" elementFormDefault="qualified">
  <xs:element name="log">
    <xs:complexType>
      <xs:sequence>
        <xs:element name="extension" minOccurs="0" maxOccurs="unbounded">
          <xs:complexType>
            <xs:attribute name="name" type="xs:NCName" use="required"/>
            <xs:attribute name="prefix" type="xs:NCName" use="required"/>
            <xs:attribute name="uri" type="xs:anyURI" use="required"/>
          </xs:complexType>
        </xs:element>
        <xs:element name="global" minOccurs="0" maxOccurs="2">
          <xs:complexType>
            <xs:group ref="values" maxOccurs="unbounded"/>
            <xs:attribute name="scope" use="required">
              <xs:simpleType><xs:restriction base="xs:NMTOKEN">
                <xs:enumeration value="trace"/><xs:enumeration value="event"/>
              </xs:restriction></xs:simpleType>
            </xs:attribute>
          </xs:complexType>
        </xs:element>
        <xs:element name="classifier" minOccurs="0" maxOccurs="unbounded">
          <xs:complexType>
            <xs:attribute name="name" type="xs:NCName" use="required"/>
            <xs:attribute name="scope" type="xs:NMTOKEN"/>
            <xs:attribute name="keys" type="xs:token" use="required"/>
          </xs:complexType>
        </xs:element>
        <xs:group ref="values" minOccurs="0" maxOccurs="unbounded"/>
        <xs:element name="trace" minOccurs="0" maxOccurs="unbounded">
          <xs:complexType>
            <xs:sequence>
              <xs:group ref="values" minOccurs="0" maxOccurs="unbounded"/>
              <xs:element name="event" type="event" minOccurs="0" maxOccurs="unbounded"/>
            </xs:sequence>
          </xs:complexType>
        </xs:element>
        <xs:element name="event" type="event" minOccurs="0" maxOccurs="unbounded"/>
      </xs:sequence>
      <xs:attribute name="xes.version" type="xs:decimal" use="required"/>
      <xs:attribute name="xes.features" type="xs:token"/>
    </xs:complexType>
  </xs:element>
  <xs:complexType name="event"><xs:group ref="values" minOccurs="0" maxOccurs="unbounded"/></xs:complexType>
  <xs:group name="values">
    <xs:choice>
      <xs:element name="string" type="text"/>
      <xs:element name="date" type="instant"/>
      <xs:element name="int" type="integer"/>
      <xs:element name="float" type="number"/>
      <xs:element name="boolean" type="truth"/>
      <xs:element name="id" type="text"/>
    </xs:choice>
  </xs:group>
  <xs:complexType name="keyed"><xs:attribute name="key" type="xs:Name" use="required"/></xs:complexType>
  %s
</xs:schema>
"""
_TYPES = {
    "text": "xs:string",
    "instant": "xs:dateTime",
    "integer": "xs:long",
    "number": "xs:double",
    "truth": "xs:boolean",
}
_VALUE = """
  <xs:complexType name="{name}"><xs:complexContent><xs:extension base="keyed">
    <xs:group ref="values" minOccurs="0" maxOccurs="unbounded"/>
    <xs:attribute name="value" type="{type}" use="required"/>
  </xs:extension></xs:complexContent></xs:complexType>
"""

SCHEMA = etree.XMLSchema(
    etree.fromstring(_SCHEMA % "".join(_VALUE.format(name=name, type=type_) for name, type_ in _TYPES.items()))
)


def problems_of(document: bytes) -> list[str]:
    """What is wrong with an XES file; empty when it is valid."""
    SCHEMA.validate(etree.fromstring(document))
    return [f"line {error.line}: {error.message}" for error in SCHEMA.error_log]
