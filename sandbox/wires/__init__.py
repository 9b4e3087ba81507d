"""The smaller rails: SMS, identity, courier, push."""
