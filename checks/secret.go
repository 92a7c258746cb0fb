package checks

import "regexp"

// Secret is the argument that only administrators may see: the link that
// unpauses an account's names. Whoever opens it acts in the account's name.
const Secret = "unpause"

// secrets are what would let any reader act in our name at the CA: the token of
// the link that unpauses names (Boulder, sfe/v1/unpause), however it is
// escaped; any other signed token (RFC 7519); a private key (RFC 7468).
var secrets = regexp.MustCompile(`(?i)(jwt(?:=|%3d|\\u003d)\s?)[\w.%-]+` +
	`|()\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]+` +
	`|(-----BEGIN [A-Z ]*PRIVATE KEY-----)(?s:.*?)(?:-----END [A-Z ]*PRIVATE KEY-----|$)`)

// WithoutSecrets cuts the secrets out of a text that others may read.
func WithoutSecrets(text string) string {
	return secrets.ReplaceAllString(text, "$1$2$3…")
}

// Open gives the arguments without the secret one.
func (a Args) Open() Args {
	if _, ok := a[Secret]; !ok {
		return a
	}
	open := Args{}
	for name, v := range a {
		if name != Secret {
			open[name] = v
		}
	}
	return open
}
