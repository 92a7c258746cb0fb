package account

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"domovoy/checks"
)

// TestAcmeSh replays a log that acme.sh wrote with debugging on, with the URLs
// of a living CA in it: what it left pending is found and cancelled by the key
// and the account that lie in acme.sh's home.
func TestAcmeSh(t *testing.T) {
	names := []string{"shop.example", "www.shop.example", "blog.shop.example"}
	for _, source := range []string{"acmesh-debug2.log", "acmesh.conf"} {
		t.Run(source, func(t *testing.T) {
			p := newPebble(t, 0)
			home := t.TempDir()
			folder := filepath.Join(home, "ca/ca.example/directory")
			writeFile(t, filepath.Join(folder, "account.key"), string(mustRead(t, newKeyFile(t))), 0o600)
			registered := p.register(filepath.Join(folder, "account.key"))
			writeFile(t, filepath.Join(folder, "ca.conf"), "ACCOUNT_URL='"+registered.AccountURL()+"'\n", 0o600)

			order := p.order(registered, names...)
			replace := []string{"https://ca.example/acme/order/1/201", order.URL}
			for i, u := range order.Authorizations {
				replace = append(replace, "https://ca.example/acme/authz/1/10"+string(rune('1'+i)), u)
			}
			text := strings.NewReplacer(replace...).Replace(string(mustRead(t, filepath.Join("testdata", source))))
			s := Sources{KeyFile: filepath.Join(folder, "account.key")}
			if strings.HasSuffix(source, ".conf") {
				writeFile(t, filepath.Join(home, "shop.example_ecc/shop.example.conf"), text, 0o600)
			} else {
				s.Logs = []string{filepath.Join(home, "ispmgr_acme_sh.log")}
				writeFile(t, s.Logs[0], text, 0o644)
			}

			found := find(t, s)
			if got, want := slices.Sorted(slices.Values(urlsOf(found.URLs))), slices.Sorted(slices.Values(order.Authorizations)); !slices.Equal(got, want) {
				t.Fatalf("found %v, want %v", got, want)
			}
			key, err := LoadKey(s.KeyFile)
			if err != nil {
				t.Fatal(err)
			}
			c, err := p.open(key)
			if err != nil {
				t.Fatal(err)
			}
			for _, seen := range found.URLs {
				if got := status(t, c, seen.URL); got != checks.AuthorizationPending {
					t.Errorf("%s is %q before", seen.URL, got)
				}
				if _, err := c.Deactivate(within(t, time.Minute), seen.URL); err != nil {
					t.Error(err)
				}
				if got := status(t, c, seen.URL); got != checks.AuthorizationDeactivated {
					t.Errorf("%s is %q in the end", seen.URL, got)
				}
			}
		})
	}
}

func mustRead(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
