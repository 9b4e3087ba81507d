"""The flows of a sale, one file each: placing, paying, shipping, receiving, refunding."""
