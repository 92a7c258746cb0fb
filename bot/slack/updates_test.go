package slack

import "testing"

func TestPlain(t *testing.T) {
	const self = "U0LABBOT00"
	tests := []struct{ text, self, want string }{
		{"<@U0LABBOT00> check <http://shop.ru|shop.ru>", self, "check shop.ru"},
		{"<@U0LABBOT00> check <https://shop.ru/a?b=1&amp;c=2>", self, "check https://shop.ru/a?b=1&c=2"},
		{"check shop.ru <@U0LABBOT00>", self, "check shop.ru"},
		{"<@U0LABBOT00|domovoy> status", self, "status"},
		{"<@U0LABBOT00>", self, ""},
		{"<@U0LABBOT00> ack 7 <@U2|ann>", self, "ack 7 @ann"},
		{"<@U9> status", "", "status"},
		{"<@U0LABBOT00> check <http://xn--e1afmkfd.xn--p1ai|пример.рф>", self, "check пример.рф"},
		{"<@U0LABBOT00> check <http://shop.ru|our shop>", self, "check http://shop.ru"},
		{"<@U0LABBOT00> why <mailto:a@shop.ru|a@shop.ru>", self, "why a@shop.ru"},
		{"<@U0LABBOT00> list <#C1|ops> <!here> a &lt; b", self, "list #ops @here a < b"},
		{"<@U0LABBOT00>\u00a0check\u00a0shop.ru", self, "check shop.ru"},
	}
	for _, tt := range tests {
		if got := plain(tt.text, tt.self); got != tt.want {
			t.Errorf("plain(%q) = %q, want %q", tt.text, got, tt.want)
		}
	}
}

func FuzzPlain(f *testing.F) {
	f.Add("<@U1> <a|b> <", "U1")
	f.Fuzz(func(t *testing.T, text, self string) {
		if got := plain(text, self); len(got) > len(text)+1 {
			t.Errorf("plain(%q) grew to %q", text, got)
		}
	})
}
