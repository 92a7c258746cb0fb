package setup

import "testing"

func TestOnlyAbsent(t *testing.T) {
	for out, want := range map[string]bool{
		"ERROR 1146 (42S02) at line 6: Table 'ispmgr.node' doesn't exist\n":              true,
		"ERROR 1146 (42S02) at line 6: x\nERROR 1054 (42S22) at line 7: y\n":             true,
		"ERROR 2002 (HY000): Can't connect to local server\n":                            false,
		"ERROR 1146 (42S02) at line 6: x\nERROR 1227 (42000) at line 1: Access denied\n": false,
		"": false,
	} {
		if got := onlyAbsent(out); got != want {
			t.Errorf("%q: %v, want %v", out, got, want)
		}
	}
}

// What a person wrote stays where it is; a list in one line is written again.
func TestAddToAConfiguration(t *testing.T) {
	for _, c := range []struct{ was, want string }{
		{"# top\nchats: # ours\n- a\n# of people\npeople: []\n", "# top\nchats: # ours\n- a\n- b\n# of people\npeople: []\n"},
		{"chats: [a]\nstate: x\n", "chats:\n  - a\n  - b\nstate: x\n"},
		{"state: x\n# the end\n", "state: x\n# the end\nchats:\n  - a\n  - b\n"},
	} {
		f := splitFile(c.was)
		f.add("chats", "b", "  - a\n  - b\n")
		if got := f.String(); got != c.want {
			t.Errorf("%q becomes\n%s\nwant\n%s", c.was, got, c.want)
		}
	}
}
