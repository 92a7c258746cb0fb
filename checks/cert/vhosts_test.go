package cert

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"domovoy/checks"
)

// As ISPmanager writes it, shortened.
const ispNginx = `server {
	server_name shop.ru www.shop.ru; # not server_name other.ru;
	listen 203.0.113.10:80;
	location / { proxy_pass http://127.0.0.1:8080; error_page 404 = @fallback; }
	ssl_certificate "/broken/inside/location"
}
server {
	server_name shop.ru www.shop.ru;
	ssl_certificate "/var/www/httpd-cert/client17/shop.ru_le3.crtca";
	ssl_certificate_key '/var/www/httpd-cert/client17/shop.ru_le3.key';
	if ($host ~ "}") { return 301; }
	listen 203.0.113.10:443 ssl;
}
`

const apache = `# <VirtualHost *:80>
<VirtualHost 127.0.0.1:8080 >
	ServerName Shop.RU:8080
	ServerAlias www.shop.ru \
		пример.рф
	SSLEngine on
	SSLCertificateFile "/etc/ssl/with space.crt"
	sslcertificatekeyfile /etc/ssl/shop.key
</VirtualHost>
<VirtualHost *:443>
	ServerName off.shop.ru
	SSLCertificateFile /etc/ssl/off.crt
	SSLEngine Off
</VirtualHost>
SSLCertificateFile /etc/ssl/outside.crt
`

func TestParseVhosts(t *testing.T) {
	for name, tt := range map[string]struct {
		text string
		want []vhost
	}{
		"ISPmanager": {ispNginx, []vhost{
			{names: []string{"shop.ru", "www.shop.ru"}},
			{names: []string{"shop.ru", "www.shop.ru"}, files: []string{"/var/www/httpd-cert/client17/shop.ru_le3.crtca", "/var/www/httpd-cert/client17/shop.ru_le3.key"}},
		}},
		"Apache": {apache, []vhost{
			{names: []string{"shop.ru", "www.shop.ru", "xn--e1afmkfd.xn--p1ai"}, files: []string{"/etc/ssl/with space.crt", "/etc/ssl/shop.key"}},
			{names: []string{"off.shop.ru"}, files: []string{"/etc/ssl/off.crt"}, off: true},
		}},
		"what no name is, what no file is": {
			`http { ssl_certificate /outside; server { server_name _ "" ~^www\d+\.shop\.ru$ .shop.ru *.shop.ru localhost;
				ssl_certificate relative.crt; ssl_certificate_key engine:pkcs11:1; ssl_certificate /etc/ssl/$ssl_server_name.crt;
				ssl_certificate /etc/ssl/${a}b.crt; ssl_certificate /etc/../etc/ssl/a\ b.crt; } }`,
			[]vhost{{names: []string{"shop.ru", "*.shop.ru"}, files: []string{"/etc/ssl/a b.crt"}}},
		},
		"location in a server": {`server { server_name a.ru; location / { ssl_certificate /x; } ssl_certificate /y; }`,
			[]vhost{{names: []string{"a.ru"}, files: []string{"/y"}}}},
		"upstream's server": {`upstream u { server 127.0.0.1:80; } server { server_name a.ru; }`, []vhost{{names: []string{"a.ru"}}}},
		"cut off":           {`server { server_name a.ru; ssl_certificate "/x`, []vhost{{names: []string{"a.ru"}}}},
		"too many marks":    {`} } ; ; { } server { } }`, []vhost{{}}},
		"nothing":           {"", nil},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, parseVhosts([]byte(tt.text)), cmp.AllowUnexported(vhost{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestVhostsMissing: the panel has the site, its certificate can be read, and
// still the web server would not start.
func TestVhostsMissing(t *testing.T) {
	dir := t.TempDir()
	put := func(name, text string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
		return path
	}
	crt, key := put("cert/shop.crt", "any"), filepath.Join(dir, "cert/shop.key")
	text := fmt.Sprintf("server { server_name shop.ru; ssl_certificate %s; ssl_certificate_key %s; }", crt, key)
	conf := put("vhosts/client17/shop.ru.conf", text+text)
	put("vhosts/client18/other.ru.conf", "server { server_name other.ru; ssl_certificate "+crt+"; }")
	now := noon
	v := NewVhosts([]string{filepath.Join(dir, "vhosts/*/*.conf"), filepath.Join(dir, "vhosts/client17/*")}, func() time.Time { return now })
	look := func(s checks.Site) []checks.Finding {
		t.Helper()
		found, err := v.Inspect(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	shop := checks.Site{Name: "www.shop.ru", Aliases: []string{"shop.ru"}, Certificate: "shop.ru_le3"}
	found := look(shop)
	want := checks.Args{"file": key, "vhost": conf, "count": 1, "certificate": "shop.ru_le3"}
	if len(found) != 1 || found[0].Code != checks.CertMissing || found[0].Detail != conf+": "+key || cmp.Diff(want, found[0].Args) != "" {
		t.Fatalf("%+v", found)
	}
	if found := look(checks.Site{Name: "other.ru"}); len(found) > 0 {
		t.Errorf("%+v", found)
	}
	put("cert/shop.key", "any")
	if found := look(shop); len(found) > 0 {
		t.Errorf("the file is back: %+v", found)
	}
	put("vhosts/client17/shop.ru.conf", strings.ReplaceAll(text, key, key+"2"))
	if now = now.Add(fresh); len(look(shop)) != 1 {
		t.Error("changed settings were not read again")
	}
	put("vhosts/client17/shop.ru.conf", "")
	if now = now.Add(fresh); len(look(shop)) != 0 {
		t.Error("a name that no settings have any more")
	}
}

// TestVhostsNotLooked: settings that cannot be read may be those of the site.
func TestVhostsNotLooked(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe.conf")
	if err := syscall.Mkfifo(pipe, 0o644); err != nil {
		t.Fatal(err)
	}
	loop := filepath.Join(dir, "loop")
	if err := os.Symlink(loop, loop); err != nil {
		t.Fatal(err)
	}
	good := filepath.Join(dir, "a.conf")
	if err := os.WriteFile(good, []byte("server { server_name a.ru; ssl_certificate "+loop+"; }"), 0o644); err != nil {
		t.Fatal(err)
	}
	v := NewVhosts([]string{filepath.Join(dir, "*.conf")}, nil)
	for _, name := range []string{"shop.ru", "a.ru"} { // settings that cannot be read, a file that cannot be looked for
		if found, err := v.Inspect(t.Context(), checks.Site{Name: name}); err == nil || len(found) > 0 {
			t.Errorf("%s: found %+v, error %v", name, found, err)
		}
	}
	if _, err := NewVhosts([]string{"["}, nil).Inspect(t.Context(), checks.Site{Name: "shop.ru"}); err == nil {
		t.Error("a faulty pattern is no error")
	}
}

func FuzzVhosts(f *testing.F) {
	f.Add([]byte(ispNginx))
	f.Add([]byte(apache))
	f.Add([]byte("server{server_name \\"))
	f.Add([]byte("server { ssl_certificate '/a\x00b'; ssl_certificate_key /${x}{; }"))
	f.Fuzz(func(t *testing.T, text []byte) {
		hosts := parseVhosts(text)
		if len(hosts) > mostVhosts {
			t.Errorf("%d virtual hosts", len(hosts))
		}
		for _, h := range hosts {
			if len(h.names) > mostNamed || len(h.files) > mostFiles {
				t.Errorf("%d names, %d files", len(h.names), len(h.files))
			}
			for _, file := range h.files {
				if !filepath.IsAbs(file) || strings.ContainsAny(file, "\x00$") {
					t.Errorf("%q", file)
				}
			}
		}
	})
}
