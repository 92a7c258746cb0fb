package files

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
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
	chart, err := WeekChart(w, r)
	if err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	if err := HTML(&buf, w, r, chart); err != nil {
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
		for _, width := range []int{390, 1280} {
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
	shown := eval[map[string]string](b, `Object.fromEntries([...document.querySelectorAll("[data-number]")].map(e => [e.dataset.number, e.firstChild.textContent.trim()]))`)
	for _, f := range newDocument(w, r).figures() {
		if want := w.Number(f.value); shown[f.key] != want {
			t.Errorf("the page says %s = %q, the workbook %s", f.key, shown[f.key], want)
		}
	}
	if n, want := eval[int](b, `document.querySelectorAll("#todo tbody tr").length`), newDocument(w, r).count(toDo); n != want {
		t.Errorf("the page has %d rows to do, the workbook %d", n, want)
	}
}

// TestPageSorts clicks on headings, as a reader does.
func TestPageSorts(t *testing.T) {
	b := browse(t)
	b.open(pageFile(t, writer(t, "ru"), sample(t)), 1280, "light")
	column := func(key string) []string {
		t.Helper()
		return eval[[]string](b, `[...document.querySelectorAll("#todo tbody tr")].map(tr => { const c = tr.querySelector(".`+key+`"); return c.dataset.sort ?? c.textContent })`)
	}
	click := func(key string) string {
		t.Helper()
		return eval[string](b, `(() => { const th = document.querySelector("#todo thead .`+key+`"); th.querySelector("button").click(); return th.getAttribute("aria-sort") })()`)
	}
	if got := click("since"); got != "ascending" || !slices.IsSorted(column("since")) {
		t.Errorf("a click sorts %s: %v", got, column("since"))
	}
	if got := click("since"); got != "descending" || slices.IsSorted(column("since")) {
		t.Errorf("a second click sorts %s: %v", got, column("since"))
	}
	click("name")
	if names := column("name"); !strings.HasPrefix(names[1], "пример.рф") || !strings.HasPrefix(names[2], "a-very-long") { // after signs, Russian has its own letters
		t.Errorf("names are sorted as %v", names)
	}
	if names := column("name"); !strings.HasPrefix(names[len(names)-1], "shop.") {
		t.Errorf("names are sorted as %v", names)
	}
	click("owner")
	if owners := column("owner"); owners[len(owners)-1] != "" {
		t.Errorf("sites without an owner are not the last: %q", owners)
	}
	if sorted := eval[int](b, `document.querySelectorAll("#todo [aria-sort=ascending], #todo [aria-sort=descending]").length`); sorted != 1 {
		t.Errorf("%d columns say that the table is sorted by them", sorted)
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
		if !strings.HasPrefix(url, "file://") && !strings.HasPrefix(url, "data:image/png") && url != "about:blank" {
			t.Errorf("the page asks for %s", url)
		}
	}
	if parts := eval[string](b, `["script", "img", "link", "style", "iframe", "svg"].map(n => n + " " + document.querySelectorAll(n).length).join(", ")`); parts != "script 1, img 1, link 0, style 1, iframe 0, svg 0" {
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
	notes := eval[string](b, `["todo", "over", "owners"].map(id => document.getElementById(id).querySelectorAll("tbody tr").length + " " + document.querySelector("#" + id + " .note").textContent).join("\n")`)
	want := "3000 3,000 of 80,000 rows are shown, the most important first; all of them are in the XLSX file.\n" +
		"0 20,000 rows; they are in the XLSX file.\n" +
		"1000 1,000 of 4,000 rows are shown, the most important first; all of them are in the XLSX file."
	if notes != want {
		t.Errorf("the page says\n%s\nwant\n%s", notes, want)
	}
	took := eval[float64](b, `(async () => { const start = performance.now(); document.querySelector("#todo thead .owner button").click();
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
			outside := (a.Key == "src" || a.Key == "href" || a.Key == "action") && !strings.HasPrefix(a.Val, "data:image/png;base64,") && !strings.HasPrefix(a.Val, "#")
			if outside || strings.HasPrefix(a.Key, "on") || a.Key == "style" {
				t.Errorf("<%s %s=%q>", token.Data, a.Key, a.Val)
			}
		}
	}
	for tag, want := range map[string]int{"html": 1, "script": 1, "style": 1, "img": 1, "iframe": 0, "link": 0, "object": 0, "base": 0} {
		if tags[tag] != want {
			t.Errorf("%d <%s>, want %d", tags[tag], tag, want)
		}
	}
}
