package console

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"domovoy/bot"
	"domovoy/reports"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// answer is a small bot that knows a few words and repeats the others.
func answer(_ context.Context, line string) (reports.Message, error) {
	switch line {
	case "alert":
		return samples()["alert.ru"], nil
	case "plan":
		return samples()["plan.en"], nil
	case "report":
		return reports.Message{Language: "en", Title: "Week 46", Files: []reports.File{
			{Name: "week.csv", Data: make([]byte, 1500)}, {Name: "../неделя.xlsx", Data: make([]byte, 3<<20)},
		}}, nil
	case "fail":
		return reports.Message{}, errors.New("the panel is\x1b[2J busy")
	}
	return reports.Message{Language: "en", Title: "heard: " + line}, nil
}

// TestTranscripts passes each file's input to a console through a pipe. Files
// are saved in a folder shown as FOLDER.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.??.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no transcripts", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			input, want := readTranscript(t, file)
			options := Options{Language: "en", Width: 72}
			if strings.Contains(file, ".ru.") {
				options.Language = "ru"
			}
			if strings.Contains(file, "saved") {
				options.Folder = filepath.Join(t.TempDir(), "reports")
			}
			var out strings.Builder
			c := New(strings.NewReader(input), &out, bundle(t), options)
			if err := c.Run(t.Context(), answer); err != nil {
				t.Fatal(err)
			}
			got := out.String()
			if options.Folder != "" {
				got = strings.ReplaceAll(got, options.Folder, "FOLDER")
			}
			if *update {
				if err := os.WriteFile(file, []byte(inputMark+input+wantMark+got), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if got != want {
				t.Errorf("output differs from %s:\n%s", file, got)
			}
		})
	}
}

// Transcripts are txtar archives of two files.
const inputMark, wantMark = "-- input --\n", "-- want --\n"

func readTranscript(t *testing.T, file string) (input, want string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	input, want, ok := strings.Cut(strings.TrimPrefix(string(text), inputMark), wantMark)
	if !ok {
		t.Fatalf("%s has no %q", file, wantMark)
	}
	return input, want
}

func TestRunAnswersBeforeItReadsOn(t *testing.T) {
	in, typist := io.Pipe()
	out := &strings.Builder{}
	c := New(in, out, bundle(t), Options{})
	go func() {
		for _, line := range []string{"one\n", "two\n"} {
			_, _ = io.WriteString(typist, line)
		}
		typist.Close()
	}()
	var seen []string
	err := c.Run(t.Context(), func(_ context.Context, line string) (reports.Message, error) {
		seen = append(seen, line+" after "+strings.TrimSpace(out.String()))
		return reports.Message{Title: line}, nil
	})
	if err != nil || len(seen) != 2 || seen[1] != "two after one" {
		t.Errorf("saw %q, error %v", seen, err)
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	in, typist := io.Pipe()
	defer typist.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := New(in, io.Discard, bundle(t), Options{}).Run(ctx, answer); err != nil {
		t.Errorf("Run ended with %v", err)
	}
}

// keeper is an inbox in memory.
type keeper struct{ updates []bot.Update }

func (k *keeper) Receive(_ context.Context, updates []bot.Update, _ string) error {
	k.updates = append(k.updates, updates...)
	return nil
}

func (k *keeper) Cursor(context.Context) (string, error) { return "", nil }

func TestListenStoresLinesAndPresses(t *testing.T) {
	c := New(strings.NewReader("status\n1\n2\nquit\nnever\n"), io.Discard, bundle(t), Options{Person: "local:root", Language: "ru"})
	_, err := c.Send(t.Context(), Chat(), "", reports.Message{Title: "plan", Actions: []reports.Action{
		{ID: "k3f9", Label: "Cancel", Command: "confirm 7f3a"}, {Label: "List", Command: "list failed"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	var kept keeper
	if err := c.Listen(t.Context(), &kept); err != nil {
		t.Fatal(err)
	}
	type said struct{ text, button string }
	want := []said{{"status", ""}, {"", "k3f9"}, {"list failed", ""}}
	if len(kept.updates) != len(want) {
		t.Fatalf("stored %+v, want %v", kept.updates, want)
	}
	keys := map[string]bool{}
	for i, u := range kept.updates {
		if (said{u.Text, u.Button}) != want[i] {
			t.Errorf("update %d: %+v, want %v", i, u, want[i])
		}
		if u.Person != "local:root" || u.Chat != "console:local" || !u.Private || u.At.IsZero() || keys[u.Key] {
			t.Errorf("update %d: %+v", i, u)
		}
		keys[u.Key] = true
	}
}

func TestFilesOverwriteNothing(t *testing.T) {
	folder := t.TempDir()
	c := New(strings.NewReader(""), io.Discard, bundle(t), Options{Folder: folder})
	for _, name := range []string{"a.csv", "a.csv", "../../a.csv", "..", ""} {
		m := reports.Message{Title: "x", Files: []reports.File{{Name: name, Data: []byte(name)}}}
		if _, err := c.Send(t.Context(), Chat(), "", m); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{"a.csv": "a.csv", "a-2.csv": "a.csv", "a-3.csv": "../../a.csv", "file": "..", "file-2": ""} {
		got, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil || string(got) != want {
			t.Errorf("%s holds %q, want %q; %v", name, got, want, err)
		}
	}
}

// The word that help names is one that the console understands.
func TestFarewell(t *testing.T) {
	all := bundle(t)
	for _, language := range all.Languages() {
		if word := all.Locale(language, nil).Say("help.quit.usage"); !farewell(word) {
			t.Errorf("%s: help tells to leave with %q", language, word)
		}
	}
	if farewell("status") {
		t.Error("status is a farewell")
	}
}
