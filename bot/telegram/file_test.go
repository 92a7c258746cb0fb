package telegram

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/png"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"domovoy/bot"
	"domovoy/bot/lab"
	"domovoy/reports"
)

func picture(t *testing.T, width, height int) reports.File {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, width, height))); err != nil {
		t.Fatal(err)
	}
	return reports.File{Name: "chart.png", Type: "image/png", Data: b.Bytes()}
}

func sheet(name string) reports.File {
	return reports.File{Name: name, Type: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", Data: []byte("PK")}
}

func kept(name string) reports.File {
	f := sheet(name)
	f.Path = "/srv/" + name
	return f
}

// sent describes each message of a chat in one line.
func sent(server *lab.Telegram, chat int64) string {
	var lines []string
	for _, m := range server.Messages(chat) {
		text := fmt.Sprintf("%d: %s", m.ID, m.Text)
		if m.File != nil {
			text += fmt.Sprintf(" [%s photo=%v]", m.File.Name, m.File.Photo)
		}
		if m.Album != "" {
			text += " in " + m.Album
		}
		if m.ReplyTo != 0 {
			text += fmt.Sprintf(" to %d", m.ReplyTo)
		}
		lines = append(lines, text)
	}
	return strings.Join(lines, "\n")
}

func TestFiles(t *testing.T) {
	long := strings.Repeat("слово ", 300)
	tests := []struct {
		name  string
		text  string
		files []reports.File
		fault func(*lab.Telegram)
		want  string
	}{
		{"one with a caption", "", []reports.File{sheet("неделя.xlsx")}, nil, "1: Title [неделя.xlsx photo=false]"},
		{"a picture", "", []reports.File{picture(t, 120, 80)}, nil, "1: Title [chart.png photo=true]"},
		{"a picture too narrow", "", []reports.File{picture(t, 1000, 10)}, nil, "1: Title [chart.png photo=false]"},
		{"a picture that is none", "", []reports.File{{Name: "a.png", Type: "image/png", Data: []byte("no")}}, nil, "1: Title [a.png photo=false]"},
		{"a picture that is refused", "", []reports.File{picture(t, 120, 80)}, func(s *lab.Telegram) {
			s.Fail("sendPhoto", 1, refuse(400, "Bad Request: IMAGE_PROCESS_FAILED"))
		}, "1: Title [chart.png photo=false]"},
		{"two", "", []reports.File{sheet("a.xlsx"), sheet("b.xlsx")}, nil,
			"1: Title\n2:  [a.xlsx photo=false] in 2 to 1\n3:  [b.xlsx photo=false] in 2 to 1"},
		{"a chart with a book and a page", long, []reports.File{picture(t, 120, 80), sheet("a.xlsx"), sheet("a.html")}, nil,
			"1: Title\n\n" + strings.TrimSpace(long) + "\n2:  [chart.png photo=false] in 2 to 1\n3:  [a.xlsx photo=false] in 2 to 1\n4:  [a.html photo=false] in 2 to 1"},
		{"an album that is refused", "", []reports.File{picture(t, 120, 80), sheet("a.xlsx")}, func(s *lab.Telegram) {
			s.Fail("sendMediaGroup", 1, refuse(400, "Bad Request: failed to send message #2 with the error message \"FILE_PARTS_INVALID\""))
		}, "1: Title\n2:  [chart.png photo=true] to 1\n3:  [a.xlsx photo=false] to 1"},
		{"an album that is too large for one call", "", []reports.File{sheet("a.xlsx"), sheet("b.xlsx")}, func(s *lab.Telegram) {
			s.Fail("sendMediaGroup", 1, refuse(413, "Request Entity Too Large"))
		}, "1: Title\n2:  [a.xlsx photo=false] to 1\n3:  [b.xlsx photo=false] to 1"},
		{"an album where only photos are allowed", "", []reports.File{picture(t, 120, 80), sheet("a.xlsx")}, func(s *lab.Telegram) {
			no := refuse(400, "Bad Request: not enough rights to send documents to the chat")
			s.Fail("sendMediaGroup", 1, no)
			s.Fail("sendDocument", 1, no)
		}, "1: Title\n2:  [chart.png photo=true] to 1\n3: ⚪ Файл a.xlsx доставить не удалось. Запросите его ещё раз. to 1"},
		{"an album with trouble that passes", "", []reports.File{sheet("a.xlsx"), sheet("b.xlsx")}, func(s *lab.Telegram) {
			s.Fail("sendMediaGroup", 2, lab.Fault{Kind: lab.BadGateway})
		}, "1: Title\n2:  [a.xlsx photo=false] in 2 to 1\n3:  [b.xlsx photo=false] in 2 to 1"},
		{"an empty one keeps no others back", "", []reports.File{sheet("a.xlsx"), {Name: "a.csv"}, sheet("b.xlsx")}, nil,
			"1: Title\n2:  [a.xlsx photo=false] to 1\n3:  [b.xlsx photo=false] to 1\n4: ⚪ Файл a.csv доставить не удалось. Запросите его ещё раз. to 1"},
		{"long words", long, []reports.File{sheet("a.xlsx")}, nil,
			"1: Title\n\n" + strings.TrimSpace(long) + "\n2:  [a.xlsx photo=false] to 1"},
		{"empty", "", []reports.File{{Name: "a.csv"}}, nil,
			"1: Title\n2: ⚪ Файл a.csv доставить не удалось. Запросите его ещё раз. to 1"},
		{"files are forbidden here", "", []reports.File{sheet("a.xlsx")}, func(s *lab.Telegram) {
			s.Fail("sendDocument", 2, refuse(400, "Bad Request: not enough rights to send documents to the chat"))
		}, "1: Title\n2: ⚪ Файл a.xlsx доставить не удалось. Запросите его ещё раз. to 1"},
		{"trouble that passes", long, []reports.File{sheet("a.xlsx")}, func(s *lab.Telegram) {
			s.Fail("sendDocument", 2, lab.Fault{Kind: lab.BadGateway})
		}, "1: Title\n\n" + strings.TrimSpace(long) + "\n2:  [a.xlsx photo=false] to 1"},
		{"trouble that stays", "", []reports.File{sheet("a.xlsx"), sheet("b.xlsx")}, func(s *lab.Telegram) {
			s.Fail("sendMediaGroup", 3, lab.Fault{Kind: lab.BadGateway})
		}, "1: Title\n2: ⚪ Файлы доставить не удалось: a.xlsx и b.xlsx. Запросите их ещё раз. to 1"},
		{"trouble that stays, of files that are kept", "", []reports.File{kept("a.xlsx"), kept("b.xlsx")}, func(s *lab.Telegram) {
			s.Fail("sendMediaGroup", 99, lab.Fault{Kind: lab.BadGateway})
		}, "1: Title\n2: ⚪ Файлы доставить не удалось: a.xlsx и b.xlsx. На сервере они здесь: /srv/a.xlsx и /srv/b.xlsx to 1"},
		{"kept, and refused", "", []reports.File{kept("a.xlsx")}, func(s *lab.Telegram) {
			s.Fail("sendDocument", 99, refuse(400, "Bad Request: not enough rights to send documents to the chat"))
		}, "1: Title\n2: ⚪ Файл a.xlsx доставить не удалось. На сервере он здесь: /srv/a.xlsx to 1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := newLab(t)
			tg := newBot(t, server)
			server.AddChat(lab.Chat{ID: 42})
			if tt.fault != nil {
				tt.fault(server)
			}
			m := reports.Message{Language: "ru", Title: "Title", Files: tt.files, Sections: []reports.Section{{Text: tt.text}}}
			ref, err := tg.Send(t.Context(), address("42", ""), "", m)
			want, first := "1", strings.SplitN(tt.want, "\n", 2)[0]
			if strings.Contains(first, " [") { // the text is the file's caption
				want += captionMark
			}
			if err != nil || ref != want {
				t.Fatalf("ref %q, %v", ref, err)
			}
			if got := sent(server, 42); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

func TestFileWaitsAsLongAsItIsAsked(t *testing.T) {
	server := newLab(t)
	tg := newBot(t, server)
	server.AddChat(lab.Chat{ID: 42})
	server.Fail("sendMediaGroup", 1, lab.Fault{Kind: lab.TooManyRequests, RetryAfter: 9})
	server.Fail("sendMediaGroup", 1, lab.Fault{Kind: lab.TooManyRequests, RetryAfter: 600})
	m := reports.Message{Title: "Title", Files: []reports.File{sheet("a.xlsx"), sheet("b.xlsx")}}
	_, err := tg.Send(t.Context(), address("42", ""), "", m)
	half, ok := errors.AsType[*bot.Incomplete](err)
	if !ok || half.After < 599*time.Second {
		t.Fatalf("got %v, want the outbox to wait", err)
	}
	if waits := tg.waited(); len(waits) != 1 || waits[0] > 9*time.Second || waits[0] < 8*time.Second {
		t.Errorf("waited %v, want 9s, and not 10 minutes", waits)
	}
	mustContain(t, half.Note.Title, "a.xlsx", "b.xlsx")
}

// A report with more files than an album takes is several albums, and what is left
// alone is a file.
func TestAlbums(t *testing.T) {
	whole := reports.File{Name: "x", Data: make([]byte, maxDocument)}
	many := func(n int) []reports.File {
		files := make([]reports.File, n)
		for i := range files {
			files[i] = sheet(fmt.Sprint(i))
		}
		return files
	}
	for name, tt := range map[string]struct {
		files []reports.File
		want  string
	}{
		"none":                      {nil, "[]"},
		"one":                       {many(1), "[1]"},
		"as many as fit":            {many(10), "[10]"},
		"one more":                  {many(11), "[10 1]"},
		"two albums":                {many(14), "[10 4]"},
		"too large together":        {append(many(3), whole, sheet("y")), "[3 1 1]"},
		"one that would be refused": {append(append(many(2), reports.File{Name: "empty"}), many(2)...), "[2 1 2]"},
	} {
		var sizes []int
		for _, group := range albums(tt.files) {
			sizes = append(sizes, len(group))
		}
		if got := fmt.Sprint(sizes); got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
}

// A message that was sent as a caption is edited as one.
func TestEditOfACaption(t *testing.T) {
	var calls []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		method := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
		calls = append(calls, method+" "+r.FormValue("caption"))
		if method == "editMessageText" {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"ok":false,"error_code":400,"description":"Bad Request: there is no text in the message to edit"}`)
			return
		}
		fmt.Fprint(w, `{"ok":true,"result":{"message_id":1}}`)
	}))
	defer server.Close()
	tg := newBot(t, newLab(t), func(c *Config) { c.APIURL = server.URL })
	defer tg.api.http.CloseIdleConnections()
	for ref, want := range map[string]string{
		"1" + captionMark: "editMessageCaption <b>new</b>",
		"1":               "editMessageText , editMessageCaption <b>new</b>", // of an earlier version
	} {
		calls = nil
		if err := tg.Edit(t.Context(), address("42", ""), ref, reports.Message{Title: "new"}); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(calls, ", "); got != want {
			t.Errorf("calls for %s: %s", ref, got)
		}
	}
}
