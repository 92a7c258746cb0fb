package checks_test

import (
	"strings"
	"testing"

	"domovoy/checks"
)

func TestWithoutSecrets(t *testing.T) {
	const token = "eyJhbGciOiJIUzI1NiJ9.c2VjcmV0LXBheWxvYWQ.c2lnbmVk-_x"
	for _, tt := range []struct{ text, want string }{
		{"Please visit: https://sfe.example/sfe/v1/unpause?jwt=" + token, "Please visit: https://sfe.example/sfe/v1/unpause?jwt=…"},
		{`{"detail":"visit https:\/\/x\/unpause?jwt=` + token + `","status":429}`, `{"detail":"visit https:\/\/x\/unpause?jwt=…","status":429}`},
		{"jwt=" + token + ", then jwt=" + token + ".", "jwt=…, then jwt=…"},
		{"unpause?jwt\\u003d" + token, "unpause?jwt\\u003d…"},
		{"unpause%3Fjwt%3D" + token, "unpause%3Fjwt%3D…"},
		{"unpause?jwt=\n" + token + "\nend", "unpause?jwt=\n…\nend"},
		{"bearer " + token, "bearer …"},
		{"-----BEGIN EC PRIVATE KEY-----\nMHcCAQ\n-----END EC PRIVATE KEY-----\nrest", "-----BEGIN EC PRIVATE KEY-----…\nrest"},
		{"-----BEGIN PRIVATE KEY-----\nMHcCAQ", "-----BEGIN PRIVATE KEY-----…"},
		{"nothing to hide: eyJhbGciOiJIUzI1NiJ9", "nothing to hide: eyJhbGciOiJIUzI1NiJ9"},
		{"", ""},
	} {
		got := checks.WithoutSecrets(tt.text)
		if got != tt.want || strings.Contains(got, "c2VjcmV0") || strings.Contains(got, "MHcCAQ") {
			t.Errorf("%q: %q, want %q", tt.text, got, tt.want)
		}
	}
}

func TestOpenArgs(t *testing.T) {
	args := checks.Args{"name": "shop.ru", checks.Secret: "https://x/unpause?jwt=y"}
	open := args.Open()
	if _, ok := open[checks.Secret]; ok || open["name"] != "shop.ru" || len(args) != 2 {
		t.Errorf("%v of %v", open, args)
	}
	if checks.Args(nil).Open() != nil {
		t.Error("nothing became something")
	}
}
