"""Couriers: parcels with a way of their own, told by two tracking services in their own words."""
