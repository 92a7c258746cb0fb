package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A web server whose settings name a missing file would not start again,
// although everything that it serves is in order today.
func TestCheckReadsVhosts(t *testing.T) {
	l := playing(t, "all is well")
	folder := t.TempDir()
	key := filepath.Join(folder, "shop.key")
	conf := filepath.Join(folder, "client1", l.Domain+".conf")
	text := fmt.Sprintf("server {\n\tserver_name %s;\n\tssl_certificate %s;\n\tssl_certificate_key %q;\n}\n", l.Domain, l.Panel.Certificate, key)
	if err := os.Mkdir(filepath.Dir(conf), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	file := worldOf(l).configured(t, hosting(t, l.Panel.Aliases, l.Domain))
	with, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	with = []byte(strings.Replace(string(with), "{name: isp1,", fmt.Sprintf("{name: isp1, vhosts: [%q],", filepath.Join(folder, "*/*.conf")), 1))
	if err := os.WriteFile(file, with, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"cert.missing", "ok"} {
		out, told, _ := said("ask", "--config", file, "--format", "json", "check", l.Domain)
		var got checked
		if err := json.Unmarshal([]byte(out), &got); err != nil || got.Verdict.Code != want {
			t.Fatalf("%v: %q, %q, want %s", err, out, told, want)
		}
		if v := got.Verdict; want == "cert.missing" && (v.Args["file"] != key || v.Args["vhost"] != conf || v.Severity != "critical") {
			t.Errorf("the verdict is %+v", v)
		}
		if err := os.WriteFile(key, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
