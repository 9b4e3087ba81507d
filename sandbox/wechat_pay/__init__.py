"""WeChat Pay v3 as a merchant meets it (PROTOCOLS 1 and 6.1), with WeChat's login beside it."""
