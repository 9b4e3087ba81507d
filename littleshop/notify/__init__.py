"""Telling people: messages by SMS and Web Push, and what moves on open pages."""
