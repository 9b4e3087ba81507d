"""Who somebody is: phones, one-time codes, people, sessions, and numbers of papers."""
