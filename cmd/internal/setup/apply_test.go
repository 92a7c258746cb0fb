package setup

import (
	"strings"
	"testing"

	"domovoy/checks/ispmanager/location"
)

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

// Another token changes its key, and leaves the proxy, whose password is in the
// environment, and every comment.
func TestSetKeysOfASection(t *testing.T) {
	keys := [][2]string{{"token_file", "telegram.token"}, {"proxy", ""}}
	for _, c := range []struct{ was, want string }{
		{"telegram:\n  # by the boss\n  token_file: old # of the old bot\n  api_url: https://api.example.com\nchats: []\n",
			"telegram:\n  # by the boss\n  token_file: telegram.token # of the old bot\n  api_url: https://api.example.com\nchats: []\n"},
		{"telegram:\n    token: ${TG}\n    api_url: x\n", "telegram:\n    token_file: telegram.token\n    api_url: x\n"},
		{"telegram: {token: ${TG}, api_url: https://api.example.com} # ours\n", "telegram: # ours\n  token_file: telegram.token\n  api_url: https://api.example.com\n"},
		{"telegram: {}\n", "telegram:\n  token_file: telegram.token\n"},
		{"telegram:\nchats: []\n", "telegram:\n  token_file: telegram.token\nchats: []\n"},
		{"chats: []\n", "chats: []\ntelegram:\n  token_file: telegram.token\n"},
		{"\ufefftelegram: {} # by Notepad\n", "\ufefftelegram: # by Notepad\n  token_file: telegram.token\n"},
		{"telegram:\n  proxy: http://127.0.0.1:1\n", "telegram:\n  token_file: telegram.token\n"},
	} {
		f := splitFile(c.was)
		f.set("telegram", keys, []string{"token"})
		if got := f.String(); got != c.want {
			t.Errorf("%q becomes\n%s\nwant\n%s", c.was, got, c.want)
		}
	}
	if kept := changed([][2]string{{"token_file", "x"}, {"api_url", ""}, {"proxy", "socks5://user:secret@127.0.0.1:1"}}, "", "socks5://user:secret@127.0.0.1:1"); len(kept) != 1 {
		t.Errorf("what has not changed is written again: %v", kept)
	}
}

// Root reaches a server on this host by its socket, and cannot do anything in one
// elsewhere.
func TestClientOf(t *testing.T) {
	for _, c := range []struct {
		at    location.Server
		want  string
		local bool
	}{
		{location.Server{Host: "localhost"}, "mariadb --force", true},
		{location.Server{Host: "127.0.0.1", Port: 3306}, "mariadb --force", true},
		{location.Server{Socket: "/run/mysqld/panel.sock"}, "mariadb --force --socket=/run/mysqld/panel.sock", true},
		{location.Server{Host: "127.0.0.1", Port: 3310}, "mariadb --force --host=127.0.0.1 --port=3310", true},
		{location.Server{Host: "db.example.com"}, "mariadb --force --host=db.example.com", false},
	} {
		args, local := clientOf("mariadb", c.at)
		if got := strings.Join(args, " "); got != c.want || local != c.local {
			t.Errorf("%+v: %s, %v", c.at, got, local)
		}
	}
}
