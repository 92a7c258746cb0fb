package slack

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"domovoy/bot"
	"domovoy/bot/lab"
	"domovoy/reports"
)

func noSecrets(t *testing.T, err error, secrets ...string) {
	t.Helper()
	for _, secret := range secrets {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("%q tells the secret %q", err, secret)
		}
	}
}

func TestSendAndEdit(t *testing.T) {
	server, s := workspace(t)
	alert, over := samples()["alert.ru"], samples()["over.en"]
	ref, err := s.Send(t.Context(), opsChannel(), "", alert)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Edit(t.Context(), opsChannel(), ref, over); err != nil {
		t.Fatal(err)
	}
	got := server.Messages(ops)
	if len(got) != 1 || got[0].TS != ref || got[0].Thread != "" {
		t.Fatalf("posted %+v, want one message %s", got, ref)
	}
	if first := got[0].Edits[0]; first.Text != Fallback(alert) || len(first.Blocks) != 4 {
		t.Errorf("sent %q and %d blocks", first.Text, len(first.Blocks))
	}
	if now := got[0].Body; now.Text != Fallback(over) || len(now.Blocks) != 2 {
		t.Errorf("edited to %q and %d blocks", now.Text, len(now.Blocks))
	}
	call := server.Calls("chat.postMessage")[0].Params
	if call["unfurl_links"] != "false" || call["unfurl_media"] != "false" {
		t.Errorf("unfurling is on: %v", call)
	}
}

func TestSendIntoThreads(t *testing.T) {
	server, s := workspace(t)
	server.AddChannel(lab.Channel{ID: "D0123456", User: user})
	m := samples()["over.en"]
	root, err := s.Send(t.Context(), opsChannel(), "", m)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, chat, thread, inReplyTo, want string
	}{
		{"an answer", ops, "", root, root},
		{"a thread's address", ops, root, "", root},
		{"an answer within a thread", ops, root, "1.000001", root},
		{"an answer in a direct message", "D0123456", "", root, ""},
		{"a thread that is gone", ops, "", "1.000001", ""},
	}
	for _, tt := range tests {
		s.pace = newPace()
		ref, err := s.Send(t.Context(), bot.Address{Messenger: "slack", Chat: tt.chat, Thread: tt.thread}, tt.inReplyTo, m)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		all := server.Messages(tt.chat)
		if last := all[len(all)-1]; last.TS != ref || last.Thread != tt.want {
			t.Errorf("%s: in thread %q, want %q", tt.name, last.Thread, tt.want)
		}
	}
}

func TestSendFallsBackToText(t *testing.T) {
	server, s := workspace(t)
	server.Fail("chat.postMessage", 1, lab.Fault{Kind: lab.Refuse, Text: "msg_blocks_too_long"})
	if _, err := s.Send(t.Context(), opsChannel(), "", samples()["alert.ru"]); err != nil {
		t.Fatal(err)
	}
	got := server.Messages(ops)[0].Body
	if len(got.Blocks) != 0 || !strings.Contains(got.Text, "порог 100") || !strings.Contains(got.Text, "17:30") {
		t.Errorf("posted %+v, want the text alone", got)
	}
}

func TestErrors(t *testing.T) {
	permanent := func(reason string) func(error) bool {
		return func(err error) bool {
			var refused *bot.Permanent
			return errors.As(err, &refused) && refused.Reason == reason
		}
	}
	later := func(after time.Duration) func(error) bool {
		return func(err error) bool {
			var wait *bot.RetryAfter
			return errors.As(err, &wait) && wait.After == after
		}
	}
	unclear := func(err error) bool {
		failed, is := errors.AsType[*bot.Unclear](err)
		return is && failed.Arrived
	}
	tests := []struct {
		name  string
		fault lab.Fault
		want  func(error) bool
	}{
		{"429", lab.Fault{Kind: lab.TooManyRequests, RetryAfter: 17}, later(17 * time.Second)},
		{"ratelimited without a time", lab.Fault{Kind: lab.Refuse, Text: "ratelimited"}, later(defaultWait)},
		{"502", lab.Fault{Kind: lab.BadGateway}, unclear},
		{"a page of a proxy", lab.Fault{Kind: lab.Page, Status: 403}, unclear},
		{"a page with status 200", lab.Fault{Kind: lab.Page, Status: 200}, unclear},
		{"a cut answer", lab.Fault{Kind: lab.Cut}, unclear},
		{"a dropped connection", lab.Fault{Kind: lab.Drop}, unclear},
		{"fatal_error", lab.Fault{Kind: lab.Refuse, Text: "fatal_error"}, unclear},
		{"channel_not_found", lab.Fault{Kind: lab.Refuse, Text: "channel_not_found"}, permanent("channel_not_found")},
		{"is_archived", lab.Fault{Kind: lab.Refuse, Text: "is_archived"}, permanent("is_archived")},
		{"not_in_channel", lab.Fault{Kind: lab.Refuse, Text: "not_in_channel"}, permanent("not_in_channel")},
		{"invalid_auth", lab.Fault{Kind: lab.Refuse, Text: "invalid_auth"}, permanent("invalid_auth")},
		{"missing_scope", lab.Fault{Kind: lab.Refuse, Text: "missing_scope"}, permanent("missing_scope")},
		{"restricted_action", lab.Fault{Kind: lab.Refuse, Text: "restricted_action"}, permanent("restricted_action")},
	}
	server, s := workspace(t)
	m := samples()["over.en"]
	ref, err := s.Send(t.Context(), opsChannel(), "", m)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		s.pace = newPace()
		server.Fail("chat.postMessage", 1, tt.fault)
		_, err := s.Send(t.Context(), opsChannel(), "", m)
		if !tt.want(err) {
			t.Errorf("Send after %s: %v", tt.name, err)
		} else {
			noSecrets(t, err, server.BotToken(), server.AppToken())
		}
		server.Fail("chat.update", 1, tt.fault)
		if err := s.Edit(t.Context(), opsChannel(), ref, m); !tt.want(err) {
			t.Errorf("Edit after %s: %v", tt.name, err)
		}
	}
	s.pace = newPace()
	server.Forget(ops, ref)
	if err := s.Edit(t.Context(), opsChannel(), ref, m); !errors.Is(err, bot.ErrGone) {
		t.Errorf("Edit of a deleted message: %v, want ErrGone", err)
	}
}

func TestConcealKeepsTheKindOfError(t *testing.T) {
	server, s := workspace(t)
	secret := errors.Join(context.Canceled, errors.New("Bearer "+server.BotToken()))
	err := s.explain("sending", secret, true)
	noSecrets(t, err, server.BotToken())
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v is not context.Canceled any more", err)
	}
}

func TestFiles(t *testing.T) {
	const kept = "/var/lib/domovoy/reports/2026-W46/неделя.xlsx"
	report := reports.Message{Language: "ru", Title: "Неделя 46", Files: []reports.File{
		{Name: "неделя.xlsx", Type: "application/vnd.ms-excel", Data: []byte("PK not really"), Path: kept},
	}}
	tests := []struct {
		name   string
		method string
		fault  lab.Fault
		times  int
		note   string // about the file that is missing; empty: it was sent
	}{
		{name: "all is well"},
		{"no scope", "files.getUploadURLExternal", lab.Fault{Kind: lab.Refuse, Text: "missing_scope"}, 1,
			"Файл неделя.xlsx не приложен: Slack его не принял (missing_scope). На сервере он здесь: " + kept},
		{"uploading breaks twice", "upload", lab.Fault{Kind: lab.BadGateway}, 2, ""},
		{"uploading is asked to wait", "files.getUploadURLExternal", lab.Fault{Kind: lab.TooManyRequests, RetryAfter: 5}, 2, ""},
		{"uploading breaks again and again", "upload", lab.Fault{Kind: lab.BadGateway}, 99,
			"Файл неделя.xlsx не приложен: передать его не удалось. На сервере он здесь: " + kept},
		{"sharing breaks once", "files.completeUploadExternal", lab.Fault{Kind: lab.BadGateway}, 1, ""},
		{"sharing breaks again and again", "files.completeUploadExternal", lab.Fault{Kind: lab.BadGateway}, 99,
			"Файл неделя.xlsx не приложен: передать его не удалось. На сервере он здесь: " + kept},
		{"sharing is refused", "files.completeUploadExternal", lab.Fault{Kind: lab.Refuse, Text: "restricted_action"}, 1,
			"Файл неделя.xlsx не приложен: Slack его не принял (restricted_action). На сервере он здесь: " + kept},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server, s := workspace(t)
			server.Fail(tt.method, tt.times, tt.fault)
			ref, err := s.Send(t.Context(), opsChannel(), "", report)
			if err != nil {
				t.Fatal(err)
			}
			said := server.Messages(ops)
			if len(said) != 1 {
				t.Fatalf("%d messages, want one", len(said))
			}
			if text := said[0].Body.Read(); tt.note != "" && !strings.Contains(text, tt.note) || len(said[0].Body.Blocks) > 1 != (tt.note != "") {
				t.Errorf("it says %s, want %q", text, tt.note)
			}
			files := server.Files(ops)
			if (len(files) == 1) != (tt.note == "") {
				t.Fatalf("files %+v, want one: %v", files, tt.note == "")
			}
			if tt.note == "" && (files[0].Thread != ref || files[0].Name != "неделя.xlsx" || string(files[0].Data) != "PK not really") {
				t.Errorf("file %+v, want it in thread %s", files[0], ref)
			}
		})
	}
}

// An invalid token, or a rate limit with a long wait, concerns more than a file: the
// outbox retries the whole message.
// The files of one report are one message in its thread.
func TestFilesAreTogether(t *testing.T) {
	server, s := workspace(t)
	report := reports.Message{Title: "Week 46"}
	for _, name := range []string{"week.png", "week.xlsx", "week.html"} {
		report.Files = append(report.Files, reports.File{Name: name, Data: []byte(name)})
	}
	ref, err := s.Send(t.Context(), opsChannel(), "", report)
	if err != nil {
		t.Fatal(err)
	}
	files := server.Files(ops)
	if len(files) != 3 {
		t.Fatalf("%d files, want 3", len(files))
	}
	for i, f := range files {
		if f.Name != report.Files[i].Name || f.Share != 1 || f.Thread != ref {
			t.Errorf("file %d is %s, shared by call %d in the thread %s", i, f.Name, f.Share, f.Thread)
		}
	}
}

func TestFilesWaitForAToken(t *testing.T) {
	for name, fault := range map[string]lab.Fault{
		"void token":  {Kind: lab.Refuse, Text: "token_revoked"},
		"a long wait": {Kind: lab.TooManyRequests, RetryAfter: 600},
	} {
		t.Run(name, func(t *testing.T) {
			server, s := workspace(t)
			server.Fail("files.getUploadURLExternal", 1, fault)
			_, err := s.Send(t.Context(), opsChannel(), "", reports.Message{
				Title: "Week 46", Files: []reports.File{{Name: "week.csv", Data: []byte("a")}},
			})
			if err == nil || len(server.Messages(ops)) != 0 {
				t.Errorf("error %v and %d messages, want an error and none", err, len(server.Messages(ops)))
			}
		})
	}
}

func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, began := &Slack{pace: newPace()}, time.Now()
		for range burst + 2 {
			if err := s.waitTurn(t.Context(), ops); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("%d messages took %v, want 2s", burst+2, took)
		}
		if err := s.waitTurn(t.Context(), "C2"); err != nil || time.Since(began) != 2*time.Second {
			t.Errorf("another channel waited too: %v", err)
		}
		for range 5 {
			go func() { _ = s.waitTurn(t.Context(), ops) }()
		}
		synctest.Wait()
		var later *bot.RetryAfter
		if err := s.waitTurn(t.Context(), ops); !errors.As(err, &later) {
			t.Errorf("a long queue gives %v, want RetryAfter", err)
		}
	})
}
