package telegram

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"image/png"
	"net/http"
	"time"

	tgbotapi "github.com/go-telegram-bot-api/telegram-bot-api/v5"

	"domovoy/bot"
	"domovoy/i18n"
	"domovoy/reports"
)

// Sizes in bytes, sides in pixels.
// https://core.telegram.org/bots/api#senddocument, #sendphoto
const (
	maxDocument = 50 << 20
	maxPhoto    = 10 << 20
	maxSides    = 10_000 // width and height together
	maxRatio    = 20     // of the sides

	fileTries   = 3
	maxFileWait = time.Minute // a file is given up when Telegram asks to wait longer
)

// errUnfit is the error for a file that Telegram would refuse.
var errUnfit = errors.New("the file is empty or above 50 MB")

// sendFile sends one file, as a photo if Telegram can show it as one. The text of
// words is its caption; nil: it has none.
func (t *Telegram) sendFile(ctx context.Context, at place, inReplyTo string, f reports.File, words *reports.Message) (string, error) {
	if len(f.Data) == 0 || len(f.Data) > maxDocument {
		return "", errUnfit
	}
	if isPhoto(f) {
		ref, err := t.upload(ctx, at, inReplyTo, "photo", f, words)
		if !refusesFile(err) {
			return ref, err
		}
	}
	return t.upload(ctx, at, inReplyTo, "document", f, words)
}

func (t *Telegram) upload(ctx context.Context, at place, inReplyTo, kind string, f reports.File, words *reports.Message) (string, error) {
	method := map[string]string{"photo": "sendPhoto", "document": "sendDocument"}[kind]
	d := draft{method: method, params: tgbotapi.Params{}}
	if words != nil {
		d = t.draft(method, "caption", maxCaption, *words)
	}
	d.addressTo(at, inReplyTo, words == nil || words.Silent) // a file after its message makes no second sound
	d.timeout = uploadTimeout
	d.files = []tgbotapi.RequestFile{{
		Name: kind,
		Data: tgbotapi.FileBytes{Name: cmp.Or(oneLine(f.Name), "file"), Bytes: f.Data},
	}}
	return t.deliver(ctx, at, d)
}

// isPhoto reports whether Telegram can show a file as a photo.
func isPhoto(f reports.File) bool {
	if f.Type != "image/png" || len(f.Data) > maxPhoto {
		return false
	}
	size, err := png.DecodeConfig(bytes.NewReader(f.Data))
	long, short := max(size.Width, size.Height), min(size.Width, size.Height)
	return err == nil && long+short <= maxSides && long <= maxRatio*short
}

// refusesFile reports whether Telegram refused the file, so that the text alone may
// still be accepted.
func refusesFile(err error) bool {
	if odd, is := errors.AsType[*foreignResponse](err); is {
		return odd.status == http.StatusRequestEntityTooLarge
	}
	return errors.Is(err, errUnfit) || says(err,
		"too large", "too big", "file must be non-empty", "wrong file", "file is", "photo_", "image_process_failed",
		"rights to send documents", "rights to send photos", "rights to send media", "_forbidden_docs",
		"chat_send_docs_forbidden", "chat_send_photos_forbidden", "chat_send_media_forbidden",
		"caption is too long",
	)
}

// attach sends the files of a message whose text has arrived and must not be sent
// again: it logs failures and names the missing files in the chat. If Telegram asks to
// wait, the outbox does that: the error is a *bot.Incomplete.
func (t *Telegram) attach(ctx context.Context, at place, ref string, m reports.Message) error {
	var missing, paths []string
	for _, files := range albums(m.Files) {
		for _, f := range t.tryFiles(ctx, at, ref, files) {
			missing = append(missing, oneLine(f.Name))
			if f.Path != "" {
				paths = append(paths, f.Path)
			}
		}
	}
	if len(missing) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTimeout) // the files may have used up the time of ctx
	defer cancel()
	locale := t.bundle.Locale(m.Language, nil)
	note := reports.Message{
		Language: m.Language,
		Tone:     reports.ToneUnknown,
		Title:    locale.Count("telegram.lost", len(missing), i18n.Args{"Names": missing, "Paths": paths}),
	}
	d := t.draft("sendMessage", "text", maxText, note)
	d.addressTo(at, ref, true)
	_, err := t.deliver(ctx, at, d)
	if asked, ok := errors.AsType[*bot.RetryAfter](err); ok {
		note.Silent = true
		return &bot.Incomplete{Note: note, After: asked.After}
	}
	if err != nil {
		t.log.ErrorContext(ctx, "a missing file was not reported in the chat", "chat", at.String(), "error", err)
	}
	return nil
}

// tryFiles sends files, several as an album, and returns those that were not
// delivered.
func (t *Telegram) tryFiles(ctx context.Context, at place, ref string, files []reports.File) []reports.File {
	names := make([]string, len(files))
	for i, f := range files {
		names[i] = f.Name
	}
	err := t.repeat(ctx, func() error { return t.sendFiles(ctx, at, ref, files) }, len(files) > 1)
	switch {
	case err == nil:
		return nil
	case len(files) > 1 && refusesAlbum(err):
		t.log.WarnContext(ctx, "Telegram refuses an album, sending its files one by one", "chat", at.String(), "files", names, "error", err)
		var missing []reports.File
		for i := range files {
			missing = append(missing, t.tryFiles(ctx, at, ref, files[i:i+1])...)
		}
		return missing
	}
	t.log.ErrorContext(ctx, "files were not delivered", "chat", at.String(), "files", names, "error", err)
	return files
}

// sendFiles sends one file, or several as an album.
func (t *Telegram) sendFiles(ctx context.Context, at place, ref string, files []reports.File) error {
	if len(files) == 1 {
		_, err := t.sendFile(ctx, at, ref, files[0], nil)
		return err
	}
	return t.sendAlbum(ctx, at, ref, files)
}

// repeat tries to send files, again while that may help: with an album that is refused
// it does not, for its files are sent one by one then.
func (t *Telegram) repeat(ctx context.Context, send func() error, album bool) error {
	for try := 1; ; try++ {
		err := send()
		if err == nil {
			return nil
		}
		wait, worth := fileWait(err, try)
		if !worth || album && refusesAlbum(err) || try == fileTries || t.sleep(ctx, wait) != nil {
			return err
		}
	}
}

// fileWait returns how long to wait before another try; false: do not retry.
func fileWait(err error, try int) (time.Duration, bool) {
	if asked, is := errors.AsType[*bot.RetryAfter](err); is {
		return asked.After, asked.After <= maxFileWait
	}
	_, permanent := errors.AsType[*bot.Permanent](err)
	_, moved := errors.AsType[*bot.Moved](err)
	return time.Duration(try) * 2 * time.Second, !permanent && !moved && !refusesFile(err)
}
