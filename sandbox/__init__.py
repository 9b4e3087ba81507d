"""The other side of every wire: gateways, bank, SMS, courier, push.

A separate program with its own keys and its own books. It never imports littleshop.
"""
