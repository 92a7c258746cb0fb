package compose

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"domovoy/checks"
	"domovoy/reports"
)

func TestPages(t *testing.T) {
	w := writer(t, "en")
	for _, tt := range []struct {
		rows, page  int
		first, last string // of the page
		commands    string
	}{
		{0, 1, "", "", ""},
		{20, 1, "site01.ru", "site20.ru", ""},
		{21, 1, "site01.ru", "site20.ru", "list failed page 2, list failed file"},
		{21, 2, "site21.ru", "site21.ru", "list failed page 1, list failed file"},
		{45, 2, "site21.ru", "site40.ru", "list failed page 1, list failed page 3, list failed file"},
		{45, 99, "site41.ru", "site45.ru", "list failed page 2, list failed file"},
		{45, -1, "site01.ru", "site20.ru", "list failed page 2, list failed file"},
	} {
		rows := make([]reports.Row, tt.rows)
		for n := range rows {
			rows[n].Domain = fmt.Sprintf("site%02d.ru", n+1)
		}
		m := List(w, rows, Page{Kind: "failed", Command: "list failed", Number: tt.page})
		var commands []string
		for _, a := range m.Actions {
			commands = append(commands, a.Command)
		}
		first, last := "", ""
		for _, s := range m.Sections {
			if items := s.Items; len(items) > 0 {
				first, last = items[0].Text, items[len(items)-1].Text
			}
		}
		if first != tt.first || last != tt.last || strings.Join(commands, ", ") != tt.commands {
			t.Errorf("page %d of %d rows: %s to %s, buttons %v", tt.page, tt.rows, first, last, commands)
		}
	}
}

// Text from outside must neither become a formula nor break out of its cell.
func TestListFile(t *testing.T) {
	rows := []reports.Row{
		{Domain: "xn--e1afmkfd.xn--p1ai", Owner: "u1", Server: "isp1", Code: checks.CADNS, Since: noon},
		{Domain: "exact.ru", Owner: "u1", Server: "isp1", Code: checks.CADNS, Since: noon, Exact: true},
		{Domain: `=HYPERLINK("http://evil";"click")`, Owner: "+7", Server: "-1", Code: checks.CADNS},
		{Domain: "@SUM(A1)", Owner: "\tx", Server: "＝1", Code: checks.CADNS},
		{Domain: "a;b", Owner: "line\nbreak", Server: "isp1", Code: checks.CADNS},
	}
	m, err := ListFile(writer(t, "ru"), rows, Page{Kind: "failed"})
	if err != nil {
		t.Fatal(err)
	}
	const cause = "ошибка DNS при проверке УЦ"
	want := "\uFEFF" + strings.Join([]string{
		"домен;как пишется;владелец;сервер;код;причина;с какого времени;или раньше",
		"xn--e1afmkfd.xn--p1ai;пример.рф;u1;isp1;ca.dns;" + cause + ";2026-11-21 12:00;или раньше",
		"exact.ru;exact.ru;u1;isp1;ca.dns;" + cause + ";2026-11-21 12:00;",
		`"'=HYPERLINK(""http://evil"";""click"")";"'=HYPERLINK(""http://evil"";""click"")";'+7;'-1;ca.dns;` + cause + ";;",
		"'@SUM(A1);'@SUM(A1);'\tx;'＝1;ca.dns;" + cause + ";;",
		`"a;b";"a;b";"line` + "\n" + `break";isp1;ca.dns;` + cause + ";;",
	}, "\n") + "\n"
	if diff := cmp.Diff(want, string(m.Files[0].Data)); diff != "" {
		t.Error(diff)
	}
	if f := m.Files[0]; f.Name != "failed-2026-11-21.csv" || f.Type != "text/csv" {
		t.Errorf("%s, %s", f.Name, f.Type)
	}
}
