package config

import (
	"slices"
	"testing"
)

func TestLogin(t *testing.T) {
	for text, want := range map[string][2]string{
		"user:pass:word":              {"user", "pass:word"},
		"user@example.com\npass word": {"user@example.com", "pass word"},
		"user\r\npass:word":           {"user", "pass:word"},
	} {
		if user, password := (Email{Credentials: NewSecret(text)}).Login(); [2]string{user, password} != want {
			t.Errorf("%q: user %q, password %q", text, user, password)
		}
	}
	if user, password := (Email{}).Login(); user != "" || password != "" {
		t.Errorf("nobody logs in as %q", user)
	}
}

func TestSecretsOfAWebhook(t *testing.T) {
	for text, want := range map[string][]string{
		"the only one":       {"the only one"},
		"the new\r\nthe old": {"the new", "the old"},
	} {
		if got := (Webhook{Secret: NewSecret(text)}).Secrets(); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	if got := (Webhook{}).Secrets(); len(got) != 0 {
		t.Errorf("without a secret there is %q", got)
	}
}
