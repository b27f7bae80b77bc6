"""Which module of the JDK has a package; ``java.base`` has all that are not here.

Source: the module summaries of Java SE and the JDK ("All Packages").
"""

from __future__ import annotations

_MODULES = {
    "java.compiler": "javax/annotation/processing javax/lang/model javax/tools",
    "java.datatransfer": "java/awt/datatransfer",
    "java.desktop": (
        "java/applet java/awt java/beans javax/accessibility javax/imageio javax/print javax/sound"
        " javax/swing"
    ),
    "java.instrument": "java/lang/instrument",
    "java.logging": "java/util/logging",
    "java.management": "java/lang/management javax/management",
    "java.management.rmi": "javax/management/remote/rmi",
    "java.naming": "javax/naming",
    "java.net.http": "java/net/http",
    "java.prefs": "java/util/prefs",
    "java.rmi": "java/rmi javax/rmi/ssl",
    "java.scripting": "javax/script",
    "java.security.jgss": "javax/security/auth/kerberos org/ietf/jgss",
    "java.security.sasl": "javax/security/sasl",
    "java.sql": "java/sql javax/sql",
    "java.sql.rowset": "javax/sql/rowset",
    "java.transaction.xa": "javax/transaction/xa",
    "java.xml": "javax/xml org/w3c/dom org/xml/sax",
    "java.xml.crypto": "javax/xml/crypto",
    "jdk.httpserver": "com/sun/net/httpserver",
    "jdk.management": "com/sun/management",
    "jdk.unsupported": "sun/misc sun/reflect",
}
_BY_PACKAGE = {each: module for module, names in _MODULES.items() for each in names.split()}
_GONE = ("javax/xml/bind", "javax/xml/ws", "javax/xml/soap", "javax/transaction/xa")
"""Packages that are no longer, or also, in archives of programs."""


def module_of(name: str) -> str:
    """Return the module of the JDK that has a class; empty for ``java.base`` and other classes.

    >>> module_of("java/sql/Driver"), module_of("java/util/List"), module_of("javax/xml/bind/X")
    ('java.sql', '', '')
    """
    package = name.rpartition("/")[0]
    if package.startswith(_GONE):
        return ""
    while package:
        found = _BY_PACKAGE.get(package)
        if found is not None:
            return found
        package = package.rpartition("/")[0]
    return ""
