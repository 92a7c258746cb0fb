package lab

import (
	"bytes"
	"context"
	"image"
	_ "image/gif"  // decodes what a photo may be
	_ "image/jpeg" // decodes what a photo may be
	_ "image/png"  // decodes what a photo may be
	"net/http"
	"strings"
)

// Sizes in bytes, sides in pixels.
// https://core.telegram.org/bots/api#sending-files, #sendphoto
const (
	maxDocument  = 50 << 20
	maxPhoto     = 10 << 20
	maxSides     = 10_000 // width and height together
	maxSideRatio = 20
)

func (t *Telegram) sendDocument(_ context.Context, q request) (any, error) {
	file, err := q.upload("document", maxDocument)
	if err != nil {
		return nil, err
	}
	return t.sendFile(q, &TelegramFile{File: file})
}

func (t *Telegram) sendPhoto(_ context.Context, q request) (any, error) {
	file, err := q.upload("photo", maxPhoto)
	if err != nil {
		return nil, err
	}
	if err := checkPhoto(file.Data); err != nil {
		return nil, err
	}
	return t.sendFile(q, &TelegramFile{File: file, Photo: true})
}

func (t *Telegram) sendFile(q request, file *TelegramFile) (any, error) {
	content, err := q.content("caption")
	if err != nil {
		return nil, err
	}
	if units(content.Text) > maxCaption {
		return nil, badRequest("message caption is too long")
	}
	return t.send(q, content, file)
}

// upload finds a file under its own field or, by attach://name, under another.
func (q *request) upload(field string, limit int) (File, error) {
	if name, attached := strings.CutPrefix(q.params[field], "attach://"); attached {
		field = name
	} else if q.params[field] != "" { // an id or a URL: the lab keeps no files and fetches none
		return File{}, badRequest("wrong remote file identifier specified")
	}
	file, found := q.files[field]
	switch {
	case !found:
		return File{}, badRequest("there is no " + field + " in the request")
	case len(file.Data) == 0:
		return File{}, badRequest("file must be non-empty")
	case len(file.Data) > limit:
		return File{}, &telegramError{code: http.StatusRequestEntityTooLarge, text: "Request Entity Too Large"}
	}
	return file, nil
}

func checkPhoto(data []byte) error {
	size, _, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return badRequest("IMAGE_PROCESS_FAILED")
	}
	long, short := max(size.Width, size.Height), min(size.Width, size.Height)
	if long+short > maxSides || long > maxSideRatio*short {
		return badRequest("PHOTO_INVALID_DIMENSIONS")
	}
	return nil
}
