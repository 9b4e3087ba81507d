-- Pass-codes: eight signs that are said or pasted where a link would not pass.

-- own-key: a pass-code and the share that it opens (the share's code carries its shop)
create table passcodes (
  passcode   text        not null,
  share_code text        not null,
  made_at    timestamptz not null,
  expires_at timestamptz not null,
  constraint passcodes_pkey primary key (passcode),
  constraint passcodes_shape check (passcode ~ '^[34679ACDEFGHJKMNPQRTUWXY]{8}$'),
  constraint passcodes_share_shape check (share_code ~ '^[0-9a-v]{1,13}-[2-9a-z]{6}$'),
  constraint passcodes_live_a_while check (expires_at > made_at)
);
create index passcodes_over on passcodes (expires_at);
