package i18n

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
)

// TestCatalogsAreTOML compares the reader with one for all of TOML.
func TestCatalogsAreTOML(t *testing.T) {
	for language, source := range builtIn() {
		var tree map[string]any
		if err := toml.Unmarshal([]byte(source), &tree); err != nil {
			t.Fatal(err)
		}
		want, got := map[string]string{}, map[string]string{}
		flatten("", tree, want)
		if err := readTOML(source, func(table, key, text string) error {
			got[table+"."+key] = text
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if len(want) < 1000 || !maps.Equal(got, want) {
			t.Errorf("%s.toml: %d texts, want %d", language, len(got), len(want))
			for _, key := range slices.Sorted(maps.Keys(want)) {
				if got[key] != want[key] {
					t.Errorf("%s.toml: key %s is %q, want %q", language, key, got[key], want[key])
				}
			}
		}
	}
}

// flatten adds the texts below a table to all, with the words of a key joined by dots.
func flatten(above string, table map[string]any, all map[string]string) {
	for word, value := range table {
		key := strings.TrimPrefix(above+"."+word, ".")
		switch value := value.(type) {
		case string:
			all[key] = value
		case map[string]any:
			flatten(key, value, all)
		}
	}
}

func TestReadTOML(t *testing.T) {
	source := `
# a comment
[a.b]
c = "plain"   
d-1="a \"quote\", a\nline, \u00e9, # no comment"
"e f" = ""

["g.h"]
one = "{{.N}}"
`
	want := []string{"a.b/c=plain", "a.b/d-1=a \"quote\", a\nline, é, # no comment", "a.b/e f=", "g.h/one={{.N}}"}
	var got []string
	err := readTOML(source, func(table, key, text string) error {
		got = append(got, table+"/"+key+"="+text)
		return nil
	})
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("readTOML = %q, %v, want %q", got, err, want)
	}
}

// What is not read must not be misread.
func TestReadTOMLRefuses(t *testing.T) {
	for _, line := range []string{
		"[a", "[[a]]", "[a] # comment", `["a"."b"]`, "[]", "a", "a =", "a = b", "a = 1", `= "b"`, `a = "b`, `a = 'b'`, `a = "b" # comment`, `a = """`, `a = "b" "c"`,
		`a . b = "c"`, `"a" b = "c"`, `"a\n" = "b"`, `é = "b"`, `a = "\q"`, `a = ["b"]`, "a = `b`",
	} {
		err := readTOML("[t]\n"+line+"\n", func(_, _, _ string) error { return nil })
		if err == nil || !strings.HasPrefix(err.Error(), "line 2: ") {
			t.Errorf("%s: error %v, want one of line 2", line, err)
		}
	}
}

func TestKeysAreUnique(t *testing.T) {
	for _, source := range []string{"[a]\nb = \"x\"\nb = \"y\"", "[a.b]\none = \"x\"\n[\"a.b\"]\none = \"y\"", "[a.b]\nother = \"x\"\n[a]\nb = \"y\""} {
		if _, err := newCatalog("en", source); err == nil || !strings.Contains(err.Error(), "a.b is there twice") {
			t.Errorf("%q: error %v, want one about a.b", source, err)
		}
	}
}
