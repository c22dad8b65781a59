"""Sessions of people who use the pages: logged in by an access key or by OIDC, carried by a cookie."""
