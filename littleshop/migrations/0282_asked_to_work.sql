-- Who signs in finds the shops that asked his phone to work there, without the link of the SMS. A
-- shop has a handful of these rows, so the index is there at once.
create index staff_invitations_of_phone on staff_invitations (phone_index) where ended_at is null;
