package account

import (
	"os"
	"path/filepath"
	"testing"
)

func TestNoted(t *testing.T) {
	const staging = "https://acme-staging-v02.api.letsencrypt.org"
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "ca.conf"), []byte("ACCOUNT_URL='"+staging+"/acme/acct/12'\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(folder, "account.key") // need not be readable
	for _, tt := range []struct{ key, directory, want string }{
		{key, staging + "/directory", staging + "/acme/acct/12"},
		{key, "https://acme-v02.api.letsencrypt.org/directory", ""},
		{filepath.Join(t.TempDir(), "account.key"), staging + "/directory", ""},
		{"", staging + "/directory", ""},
		{key, "::", ""},
	} {
		if got := Noted(tt.key, tt.directory); got != tt.want {
			t.Errorf("Noted(%q, %q) = %q, want %q", tt.key, tt.directory, got, tt.want)
		}
	}
}
