package files

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/net/html"

	"domovoy/reports"
	"domovoy/reports/compose"
)

// pageFile writes a report's page into a file.
func pageFile(t *testing.T, w compose.Writer, r reports.Weekly) string {
	t.Helper()
	var buf bytes.Buffer
	if err := HTML(&buf, w, r); err != nil {
		t.Fatal(err)
	}
	_, name, _ := Names(w, r)
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, buf.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestPage opens the page in a browser as people do: on a phone and at a
// desk, by day and by night, and on paper.
func TestPage(t *testing.T) {
	b := browse(t)
	for _, lang := range []string{"ru", "en"} {
		w, r := writer(t, lang), sample(t)
		file := pageFile(t, w, r)
		for _, width := range []int{320, 768, 1280} {
			for _, scheme := range []string{"light", "dark"} {
				b.open(file, width, scheme)
				b.keep(fmt.Sprintf("page-%s-%d-%s.png", lang, width, scheme))
				if over := eval[int](b, `document.documentElement.scrollWidth - innerWidth`); over > 0 {
					t.Errorf("%s at %d: the page is %d px too wide", lang, width, over)
				}
				for _, dim := range eval[[]string](b, contrast) {
					t.Errorf("%s, %s: too little contrast: %s", lang, scheme, dim)
				}
				sameNumbers(t, b, w, r)
			}
		}
		if pdf := b.keep("page-" + lang + ".pdf"); !bytes.HasPrefix(pdf, []byte("%PDF-")) {
			t.Errorf("%s: printing gave no PDF", lang)
		}
	}
}

// contrast lists texts with less contrast to their background than WCAG 2.2
// requires (1.4.3: 4.5 to 1).
const contrast = `(() => {
	const rgb = s => (s.match(/[\d.]+/g) || []).map(Number);
	const light = c => c.slice(0, 3).map(v => v / 255).map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
		.reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
	const behind = e => { const c = rgb(getComputedStyle(e).backgroundColor); return c.length === 4 && c[3] === 0 ? (e.parentElement ? behind(e.parentElement) : [255, 255, 255]) : c; };
	const dim = [];
	for (const e of document.querySelectorAll("h1, h2, h3, p, small, td, th, dt, dd, a, button, figcaption, .count")) {
		const [a, b] = [light(rgb(getComputedStyle(e).color)), light(behind(e))].sort((x, y) => y - x);
		if ((a + .05) / (b + .05) < 4.5) dim.push(e.localName + "." + e.className + " " + ((a + .05) / (b + .05)).toFixed(1));
	}
	return [...new Set(dim)];
})()`

// sameNumbers compares the page's numbers with those of the report.
func sameNumbers(t *testing.T, b *browser, w compose.Writer, r reports.Weekly) {
	t.Helper()
	shown := eval[map[string]string](b, `Object.fromEntries([...document.querySelectorAll("[data-number]")].map(e => [e.dataset.number, e.textContent]))`)
	large := eval[map[string]string](b, `Object.fromEntries([...document.querySelectorAll("[data-headline]")].map(e => [e.dataset.headline, e.textContent]))`)
	if want := []string{"call", "fixed", "new", "open"}; !slices.Equal(slices.Sorted(maps.Keys(large)), want) {
		t.Errorf("the large numbers are %v, want %v", large, want)
	}
	for _, f := range newDocument(w, r).figures() {
		if n, is := large[f.key]; is && n != w.Number(f.value) {
			t.Errorf("the page says %s = %q in large letters, the workbook %s", f.key, n, w.Number(f.value))
		}
		if want := w.Number(f.value); shown[f.key] != want {
			t.Errorf("the page says %s = %q, the workbook %s", f.key, shown[f.key], want)
		}
	}
	if n, want := eval[int](b, `document.querySelectorAll("#us tr:has(td), #customer tr:has(td)").length`), newDocument(w, r).count(newDocument(w, r).toDo); n != want {
		t.Errorf("the page has %d rows to do, the workbook %d", n, want)
	}
}

// TestPageSorts clicks on headings, as a reader does: the rows of each group are sorted,
// and the groups by the first of their rows.
func TestPageSorts(t *testing.T) {
	b := browse(t)
	b.open(pageFile(t, writer(t, "ru"), sample(t)), 1280, "light")
	column := func(key string) [][]string {
		t.Helper()
		return eval[[][]string](b, `[...document.querySelectorAll("#us tbody")].map(body => [...body.querySelectorAll("tr:has(td)")].map(tr => { const c = tr.querySelector(".`+key+`"); return c.dataset.sort ?? c.textContent }))`)
	}
	click := func(key string) string {
		t.Helper()
		return eval[string](b, `(() => { const th = document.querySelector("#us thead .`+key+`"); th.querySelector("button").click(); return th.getAttribute("aria-sort") })()`)
	}
	sorted := func(groups [][]string, order func(a, b string) int) bool {
		var firsts []string
		for _, g := range groups {
			if !slices.IsSortedFunc(g, order) {
				return false
			}
			firsts = append(firsts, g[0])
		}
		return len(firsts) > 1 && slices.IsSortedFunc(firsts, order)
	}
	if got := click("since"); got != "ascending" || !sorted(column("since"), strings.Compare) {
		t.Errorf("a click sorts %s: %v", got, column("since"))
	}
	if got := click("since"); got != "descending" || !sorted(column("since"), func(a, b string) int { return strings.Compare(b, a) }) {
		t.Errorf("a second click sorts %s: %v", got, column("since"))
	}
	click("name")
	if names := column("name"); !strings.HasPrefix(names[0][0], "пример.рф") || !strings.HasPrefix(names[len(names)-1][0], "shop.") { // Russian has its own letters first
		t.Errorf("names are sorted as %v", names)
	}
	click("owner")
	for _, owners := range column("owner") {
		if i := slices.Index(owners, ""); i >= 0 && i < len(owners)-1 {
			t.Errorf("a site without an owner is not the last: %q", owners)
		}
	}
	if sorted := eval[int](b, `document.querySelectorAll("#us [aria-sort=ascending], #us [aria-sort=descending]").length`); sorted != 1 {
		t.Errorf("%d columns say that the table is sorted by them", sorted)
	}
}

// TestPageSearches types into the search box: the rows that have all words stay, with
// the headings of their groups. Without a script there is no box, and every row.
func TestPageSearches(t *testing.T) {
	b := browse(t)
	file := pageFile(t, writer(t, "ru"), sample(t))
	b.open(file, 1280, "light")
	visible := `[...document.querySelectorAll("tr:has(td)")].filter(tr => tr.checkVisibility()).length`
	all := eval[int](b, visible)
	for typed, want := range map[string]struct {
		rows   int
		output string
	}{
		"ПРИМЕР.рф":                  {3, "Найдено строк: 3"}, // in what is to do, in what ends, and as an alias
		"xn--e1afmkfd":               {3, "Найдено строк: 3"},
		"client17 лимит":             {1, "Найдено строк: 1"}, // a word of the row, and one of its group
		"there is no such site here": {0, "Найдено строк: 0"},
		"  ":                         {all, ""},
	} {
		output := eval[string](b, `(() => { const i = document.querySelector("input"); i.value = `+strconv.Quote(typed)+`; i.dispatchEvent(new Event("input")); return document.querySelector("output").textContent })()`)
		if rows := eval[int](b, visible); rows != want.rows || output != want.output {
			t.Errorf("%q leaves %d rows and says %q, want %d and %q", typed, rows, output, want.rows, want.output)
		}
	}
	b.call("Emulation.setScriptExecutionDisabled", map[string]any{"value": true}, nil)
	b.open(file, 1280, "light")
	b.call("Emulation.setScriptExecutionDisabled", map[string]any{"value": false}, nil)
	if rows, boxes := eval[int](b, visible), eval[int](b, `[...document.querySelectorAll("form, thead button")].filter(e => e.checkVisibility()).length`); rows != all || boxes != 0 {
		t.Errorf("without a script there are %d rows of %d, and %d boxes and buttons that do nothing", rows, all, boxes)
	}
}

// TestPageAsksNobody checks that the page makes no request, whatever a
// customer's name is, and could make none even if a name became a script.
func TestPageAsksNobody(t *testing.T) {
	var hits atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	t.Cleanup(server.Close)
	r := sample(t)
	for i, name := range []string{`"><script>fetch("URL")</script>`, `<img src=URL onerror=fetch("URL")>`, `<link rel=prefetch href=URL><style>@import "URL"</style>`,
		`javascript:fetch("URL")`, `{{.Title}}</bdi></table></main><iframe src=URL>`, "<svg onload=fetch('URL')>", `' onmouseover=fetch("URL") x='`} {
		name = strings.ReplaceAll(name, "URL", server.URL)
		r.Rows[i].Owner, r.Rows[i].To = name, name
	}
	r.Servers[0].Name, r.Rules = `<script src="`+server.URL+`">`, `<img src="`+server.URL+`">`
	b := browse(t)
	file := pageFile(t, writer(t, "en"), r)
	b.open(file, 1280, "light")
	for _, url := range b.requests {
		if !strings.HasPrefix(url, "file://") && url != "about:blank" {
			t.Errorf("the page asks for %s", url)
		}
	}
	want := fmt.Sprintf("script 1, img 0, link 0, style 1, iframe 0, svg %d", svgs(newDocument(writer(t, "en"), r).page()))
	if parts := eval[string](b, `["script", "img", "link", "style", "iframe", "svg"].map(n => n + " " + document.querySelectorAll(n).length).join(", ")`); parts != want {
		t.Errorf("the page has grown parts: %s", parts)
	}
	// Now as if a script had been injected.
	tried := eval[string](b, `(async () => {
		const url = "`+server.URL+`";
		const load = (tag, key) => new Promise(done => { const e = document.createElement(tag); e[key] = url; e.onload = () => done("got " + tag); e.onerror = () => done("no"); document.body.append(e); });
		return (await Promise.all([fetch(url).then(() => "got fetch", () => "no"), load("img", "src"), load("script", "src")])).join();
	})()`)
	if tried != "no,no,no" || hits.Load() != 0 {
		t.Errorf("the page's policy lets through: %s; %d requests arrived", tried, hits.Load())
	}
}

// svgs is how many drawings a page has: two for its graph, and one for each bar.
func svgs(p page) int {
	n := 2
	for _, r := range p.Rankings {
		n += len(r.Top)
	}
	return n
}

// TestPageStaysUsable opens a page of 100,000 rows: it has the rows that a
// manager reads, and says how many are left out.
func TestPageStaysUsable(t *testing.T) {
	w, r := writer(t, "en"), many(t, 100_000)
	file := pageFile(t, w, r)
	info, err := os.Stat(file)
	if err != nil || info.Size() > 5<<20 {
		t.Errorf("the page is %d KB, %v", info.Size()>>10, err)
	}
	b := browse(t)
	b.open(file, 390, "light")
	notes := eval[string](b, `["us", "customer", "over", "owners"].map(id => document.getElementById(id).querySelectorAll("tr:has(td)").length + " " + (document.querySelector("#" + id + " .note")?.textContent ?? "")).join("\n")`)
	want := "2000 2,000 of 64,995 rows are shown, the most important first; all of them are in the XLSX file.\n" +
		"1000 1,000 of 15,005 rows are shown, the most important first; all of them are in the XLSX file.\n" +
		"0 20,000 rows; they are in the XLSX file.\n" +
		"1000 1,000 of 4,000 rows are shown, the most important first; all of them are in the XLSX file."
	if notes != want {
		t.Errorf("the page says\n%s\nwant\n%s", notes, want)
	}
	took := eval[float64](b, `(async () => { const start = performance.now(); document.querySelector("#us thead .owner button").click();
		await new Promise(done => requestAnimationFrame(() => setTimeout(done))); return performance.now() - start })()`)
	t.Logf("a page of %d KB; sorting it took %.0f ms", info.Size()>>10, took)
}

// TestPageIsWhole checks without a browser that the page refers to nothing
// outside.
func TestPageIsWhole(t *testing.T) {
	page, err := os.ReadFile(pageFile(t, writer(t, "ru"), sample(t)))
	if err != nil {
		t.Fatal(err)
	}
	tags := map[string]int{}
	for z := html.NewTokenizer(bytes.NewReader(page)); z.Next() != html.ErrorToken; {
		token := z.Token()
		if token.Type == html.StartTagToken {
			tags[token.Data]++
		}
		for _, a := range token.Attr {
			outside := (a.Key == "src" || a.Key == "href" || a.Key == "action") && !strings.HasPrefix(a.Val, "#")
			if outside || strings.HasPrefix(a.Key, "on") || a.Key == "style" {
				t.Errorf("<%s %s=%q>", token.Data, a.Key, a.Val)
			}
		}
	}
	for tag, want := range map[string]int{"html": 1, "script": 1, "style": 1, "img": 0, "iframe": 0, "link": 0, "object": 0, "base": 0} {
		if tags[tag] != want {
			t.Errorf("%d <%s>, want %d", tags[tag], tag, want)
		}
	}
}
