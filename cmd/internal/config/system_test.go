package config

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

func TestNameServers(t *testing.T) {
	for text, want := range map[string]string{
		"":                         "[]",
		"nameserver 127.0.0.53\n":  "[127.0.0.53:53]",
		"\tnameserver\t10.0.0.1  ": "[10.0.0.1:53]",
		"# nameserver 10.0.0.1\n; nameserver 10.0.0.2\nsearch example.com\noptions edns0\nnameserver 10.0.0.3 # ours\n": "[10.0.0.3:53]",
		"nameserver ::1\nnameserver fe80::1%eth0\nnameserver ::ffff:10.0.0.1":                                           "[[::1]:53 [fe80::1%eth0]:53 10.0.0.1:53]",
		"nameserver 10.0.0.1\nnameserver 10.0.0.1\nnameserver 10.0.0.2":                                                 "[10.0.0.1:53 10.0.0.2:53]",
		"nameserver 10.0.0.1\nnameserver 10.0.0.2\nnameserver 10.0.0.3\nnameserver 10.0.0.4":                            "[10.0.0.1:53 10.0.0.2:53 10.0.0.3:53]",
		"nameserver\nnameserver dns.example\nnameserver 0.0.0.0\nnameserver 10.0.0.1:53\nnameservers 10.0.0.1":          "[]",
	} {
		if got := fmt.Sprint(nameServers(strings.NewReader(text))); got != want {
			t.Errorf("%q names %s, want %s", text, got, want)
		}
	}
}

func TestSystemResolvers(t *testing.T) {
	file := filepath.Join(t.TempDir(), "resolv.conf")
	if got := fmt.Sprint(systemResolvers(file)); got != "[127.0.0.1:53]" {
		t.Errorf("without a file the system asks %s", got)
	}
	write(t, file, "nameserver 10.0.0.1\n")
	if got := fmt.Sprint(systemResolvers(file)); got != "[10.0.0.1:53]" {
		t.Errorf("the system asks %s", got)
	}
}

// Without the key the system's resolvers are asked; an empty list is a wish
// of its own: nobody.
func TestWhoIsAsked(t *testing.T) {
	for text, system := range map[string]bool{"": true, "resolvers:\n": true, "resolvers: []\n": false, "resolvers: [127.0.0.1:5353]\n": false} {
		file := filepath.Join(t.TempDir(), "config.yaml")
		write(t, file, minimal+text)
		cfg, faults := Load(file, lab(t))
		if faults != nil {
			t.Fatal(faults)
		}
		want := "[]"
		switch {
		case system:
			want = fmt.Sprint(systemResolvers(systemFile))
		case strings.Contains(text, "5353"):
			want = "[127.0.0.1:5353]"
		}
		if got := fmt.Sprint(cfg.Resolvers); got != want || cfg.AsksSystem() != system {
			t.Errorf("%q: %s are asked, the system's: %t", text, got, cfg.AsksSystem())
		}
	}
}
