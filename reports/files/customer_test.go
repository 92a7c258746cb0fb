package files

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"domovoy/reports/compose"
)

// customerPage is the page of a site that points elsewhere, with a long name.
func customerPage(language string) compose.CustomerPage {
	p := compose.CustomerPage{Language: "ru", State: "act", Subject: "Проверка сертификата видеонаблюдение-стоматология.kondicioner-vladimir.example.рф",
		Answer:   "Нужно ваше участие: без него у видеонаблюдение-стоматология.kondicioner-vladimir.example.рф не будет действующего сертификата",
		Wrong:    "Домен указывает на другой сервер, а не на наш, поэтому получить для него сертификат мы не можем.",
		Do:       "Если сайт должен работать у нас, направьте домен на наш сервер (203.0.113.10): исправьте запись A и удалите записи AAAA, если они есть. Если сайт переехал, напишите нам, и мы отключим его здесь.",
		Records:  []compose.CustomerRecord{{Name: "видеонаблюдение-стоматология.kondicioner-vladimir.example.рф", Now: "198.51.100.7, 2001:db8:ffff:ffff:ffff:ffff:ffff:7", Right: "203.0.113.10"}},
		Headings: compose.CustomerHeadings{Wrong: "Что не так", Do: "Что сделать", Records: "Запись DNS", Name: "Имя", Now: "Сейчас", Right: "Нужно"},
		Notes:    []string{"Регистрация домена example.рф заканчивается 6 декабря."},
		Checked:  "Проверено: сегодня в 14:05, MSK", Until: "Страница будет удалена 28 ноября"}
	if language == "en" {
		p.Language, p.Answer, p.Do = "en", "Your action is needed: without it shop.example cannot get a valid certificate",
			"Open http://shop.example/.well-known/acme-challenge/ for everyone: no password, no redirect, no protection."
	}
	return p
}

func customerFile(t *testing.T, p compose.CustomerPage) string {
	t.Helper()
	var out bytes.Buffer
	if err := CustomerHTML(&out, p); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestCustomerPage opens the page as customers do, on screens of any width, light and
// dark, and prints it: whole words, enough contrast, its style in force, and not one
// request.
func TestCustomerPage(t *testing.T) {
	b := browse(t)
	for _, lang := range []string{"ru", "en"} {
		for _, state := range []string{"act", "good", "wait", "unknown"} {
			p := customerPage(lang)
			if p.State = state; state != "act" {
				p.Do, p.Records = "", nil
			}
			file := customerFile(t, p)
			for _, width := range []int{320, 360, 500, 768, 1024, 1280} {
				for _, scheme := range []string{"light", "dark"} {
					b.requests = nil
					b.open(file, width, scheme)
					for _, fault := range eval[[]string](b, fmt.Sprintf("%s(%d)", broken, width)) {
						t.Errorf("%s, %s, %s at %d: %s", lang, state, scheme, width, fault)
					}
					for _, dim := range eval[[]string](b, contrast) {
						t.Errorf("%s, %s, %s: too little contrast: %s", lang, state, scheme, dim)
					}
					if shown := eval[string](b, `getComputedStyle(document.querySelector("h1")).borderInlineStartStyle`); shown != "solid" {
						t.Errorf("the policy forbids the page its own style: %s", shown)
					}
					if len(b.requests) != 1 {
						t.Errorf("it requested %v", b.requests)
					}
					if state == "act" && (width == 320 || width == 768 || width == 1280) {
						b.keep(fmt.Sprintf("customer-%s-%d-%s.png", lang, width, scheme))
					}
				}
			}
		}
		b.open(customerFile(t, customerPage(lang)), 1280, "dark")
		if n := len(regexp.MustCompile(`/Type\s*/Page\b`).FindAll(b.keep("customer-"+lang+".pdf"), -1)); n != 1 {
			t.Errorf("%s: printed on %d sheets, want 1", lang, n)
		}
	}
}

// TestCustomerPageEscapes has markup in every field: none of it acts.
func TestCustomerPageEscapes(t *testing.T) {
	const hostile = `<script>document.title="x"</script><img src=x onerror=alert(1)>"'><a href="javascript:x">`
	p := compose.CustomerPage{Language: `ru" onload="x`, State: `act" onclick="x`, Subject: hostile, Answer: hostile, Wrong: hostile, Do: hostile, Notes: []string{hostile},
		Records: []compose.CustomerRecord{{Name: hostile, Now: hostile, Right: hostile}}, Checked: hostile, Until: hostile}
	var out bytes.Buffer
	if err := CustomerHTML(&out, p); err != nil {
		t.Fatal(err)
	}
	html := out.String()
	for _, tag := range []string{"<script", "<img", "<a ", ` onload="`, ` onclick="`} {
		if strings.Contains(html, tag) {
			t.Errorf("the page has %s", tag)
		}
	}
	for _, want := range []string{`default-src &#39;none&#39;`, `content="noindex, nofollow, noarchive"`, `content="no-referrer"`} {
		if !strings.Contains(html, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if strings.Contains(html, "script-src") || strings.Contains(html, "unsafe") {
		t.Error("the policy lets scripts in")
	}
}
