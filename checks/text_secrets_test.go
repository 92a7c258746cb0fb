package checks_test

import (
	"strings"
	"testing"

	"domovoy/checks"
)

// A secret is found wherever it stands, in any case of letters; a text without one is
// left as it is.
func TestSecretsAreFoundInAnyCase(t *testing.T) {
	for _, secret := range []string{"jwt=abc.def", "JWT%3Dabc", `Jwt\u003dabc`, "eyJhbGciOi12.eyJzdWIiOi12.abc", "EYJhbGciOi12.EYJzdWIiOi12.abc", "-----BEGIN EC PRIVATE KEY-----abc"} {
		for _, text := range []string{secret, "see " + secret, secret + " end", "j " + secret} {
			if got := checks.WithoutSecrets(text); strings.Contains(got, "abc") || !strings.Contains(got, "…") {
				t.Errorf("%q became %q", text, got)
			}
		}
	}
	for _, text := range []string{"", "j", "ey", "jw", "no subject", "jessy.example: DNS problem"} {
		if got := checks.WithoutSecrets(text); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
}
