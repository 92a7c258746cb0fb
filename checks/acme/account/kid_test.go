package account

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestStoredAccount finds the account's URL in the files that ACME clients
// keep beside the key.
func TestStoredAccount(t *testing.T) {
	const stored = "https://ca.example/acme/acct/1"
	for _, c := range []struct{ name, key, file, text, want string }{
		{"certbot", "private_key.json", "regr.json", `{"body": {}, "uri": "` + stored + `"}`, stored},
		{"acme.sh", "account.key", "ca.conf", "CA_EMAIL='a@b.example'\nACCOUNT_URL='" + stored + "'\nCA_KEY_HASH='x='\n", stored},
		{"acme.sh, no quotes", "account.key", "ca.conf", "ACCOUNT_URL=" + stored, stored},
		{"lego 4", "keys/a@b.example.key", "account.json", `{"email":"a@b.example","registration":{"body":{"status":"valid"},"uri":"` + stored + `"}}`, stored},
		{"lego 5", "id.key", "account.json", `{"registration":{"accountURL":"` + stored + `"}}`, stored},
		{"acme.sh's account.json has none", "account.key", "account.json", `{"status":"valid","orders":"https://ca.example/orders/1"}`, ""},
		{"broken JSON", "private_key.json", "regr.json", `{"uri":`, ""},
		{"nothing", "account.key", "notes.txt", stored, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			folder := t.TempDir()
			writeFile(t, filepath.Join(folder, c.file), c.text, 0o644)
			if got := storedKID(filepath.Join(folder, c.key)); got != c.want {
				t.Errorf("found %q, want %q", got, c.want)
			}
		})
	}
}

// TestAccountOfAnotherCA has a key that was taken along: what its files say is
// about another CA, and this CA is asked.
func TestAccountOfAnotherCA(t *testing.T) {
	p := newPebble(t, 0)
	file := newKeyFile(t)
	const elsewhere = "https://staging.example/acme/acct/7"
	writeFile(t, filepath.Join(filepath.Dir(file), "ca.conf"), "ACCOUNT_URL='"+elsewhere+"'", 0o600)
	key, err := LoadKey(file)
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.open(key)
	var refused *Problem
	if !errors.As(err, &refused) || refused.Type != typeNoAccount || !strings.Contains(err.Error(), elsewhere) {
		t.Errorf("an unknown key: %v", err)
	}
	registered := p.register(file)
	opened, err := p.open(key)
	if err != nil {
		t.Fatal(err)
	}
	if opened.AccountURL() != registered.AccountURL() {
		t.Errorf("the account is %q, want %q", opened.AccountURL(), registered.AccountURL())
	}
	_, err = Open(within(t, time.Minute), Options{Directory: p.directory, HTTP: p.server.Client(), Key: key, KID: elsewhere})
	if !errors.Is(err, ErrOtherHost) {
		t.Errorf("an account given for another CA: %v", err)
	}
}
