package ispmanager

import (
	"strings"
	"testing"

	"domovoy/checks"
)

// The fast path must return the same as the full conversion.
func FuzzName(f *testing.F) {
	for _, name := range []string{"a.example", "a-b.c-d.example", "xn--e1afmkfd.xn--p1ai", "xn--a.example", "ab--c.example", "-a.example", "a-.example",
		"a..example", ".example", "example.", "example", "*.a.example", "A.example", "1.2.3.4", "пример.рф", "under_score.example",
		strings.Repeat("a", 63) + ".example", strings.Repeat("a", 64) + ".example", strings.Repeat("a.", 127) + "a", strings.Repeat("a.", 126) + "aa"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if ascii, err := checks.ToASCII(name); settled(name) && (err != nil || ascii != name) {
			t.Errorf("%q is taken for settled, and is %q, %v", name, ascii, err)
		}
	})
}

func TestOrdinaryNamesGoTheShortWay(t *testing.T) {
	for name, want := range map[string]bool{"shop-1.example": true, "www.a.b.example": true, "xn--p1ai.example": false, "*.a.example": false} {
		if settled(name) != want {
			t.Errorf("%s: %v", name, !want)
		}
	}
}
