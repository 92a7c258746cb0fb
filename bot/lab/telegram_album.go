package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
)

// How many items an album has. The real server takes a single one, too, and sends it
// outside any album; the lab does not, because the documentation asks for two.
// https://core.telegram.org/bots/api#sendmediagroup
const (
	leastAlbum = 2
	mostAlbum  = 10
)

// albumItem is an item of an album with all fields that an InputMediaDocument or an
// InputMediaPhoto may have here.
// https://core.telegram.org/bots/api#inputmediadocument, #inputmediaphoto
type albumItem struct {
	Type      string          `json:"type"`
	Media     string          `json:"media"`
	Caption   string          `json:"caption"`
	ParseMode string          `json:"parse_mode"`
	Entities  json.RawMessage `json:"caption_entities"`
	Detection bool            `json:"disable_content_type_detection"`
}

// sendMediaGroup sends an album: all its items, or none of them. Its messages follow
// each other and cannot have buttons.
func (t *Telegram) sendMediaGroup(_ context.Context, q request) (any, error) {
	items, err := q.album()
	if err != nil {
		return nil, err
	}
	var messages []*TelegramMessage
	size := 0
	for i, item := range items {
		m, err := q.albumMessage(item)
		if refusal, ok := errors.AsType[*telegramError](err); ok && refusal.code == http.StatusBadRequest && item.refusedLater(refusal) {
			return nil, badRequest(fmt.Sprintf("failed to send message #%d with the error message %q", i+1, refusal.text[len("Bad Request: "):]))
		}
		if err != nil {
			return nil, err
		}
		if size += len(m.File.Data); size > maxDocument {
			return nil, &telegramError{code: http.StatusRequestEntityTooLarge, text: "Request Entity Too Large"}
		}
		messages = append(messages, m)
	}
	return t.sendAlbum(q, messages)
}

// refusedLater reports whether a refusal is of the servers behind the Bot API's: they
// name the item.
func (i albumItem) refusedLater(err *telegramError) bool {
	return i.Type == "photo" && (err.text == "Bad Request: IMAGE_PROCESS_FAILED" || err.text == "Bad Request: PHOTO_INVALID_DIMENSIONS")
}

// album parses the items and checks what they are together.
func (q *request) album() ([]albumItem, error) {
	raw, given := q.params["media"]
	if !given {
		return nil, badRequest(`parameter "media" is required`)
	}
	var items []albumItem
	strict := json.NewDecoder(bytes.NewReader([]byte(raw)))
	strict.DisallowUnknownFields()
	if strict.Decode(&items) != nil {
		return nil, badRequest("can't parse media JSON object")
	}
	switch {
	case len(items) == 0:
		return nil, badRequest("there are no messages to send")
	case len(items) < leastAlbum:
		return nil, badRequest("lab: an album has at least two items")
	case len(items) > mostAlbum:
		return nil, badRequest("too many messages to send as an album")
	}
	for _, item := range items {
		switch item.Type {
		case "document", "photo":
		default:
			return nil, badRequest(fmt.Sprintf("can't parse InputMedia: type %q is unsupported", item.Type))
		}
		if item.Type != items[0].Type { // the lab has neither audio nor video
			return nil, badRequest("document can't be mixed with other media types")
		}
	}
	return items, nil
}

// albumMessage is the message of one item.
func (q *request) albumMessage(item albumItem) (*TelegramMessage, error) {
	one := *q
	one.params = maps.Clone(q.params)
	one.params["caption"], one.params["parse_mode"], one.params["media"] = item.Caption, item.ParseMode, item.Media
	if len(item.Entities) > 0 {
		one.params["entities"] = string(item.Entities)
	}
	if name, _ := strings.CutPrefix(item.Media, "attach://"); q.files[name].Name == "" {
		return nil, badRequest("can't parse InputMedia: media not found")
	}
	limit := maxDocument
	if item.Type == "photo" {
		limit = maxPhoto
	}
	file, err := one.upload("media", limit)
	if err != nil {
		return nil, err
	}
	if item.Type == "photo" {
		if err := checkPhoto(file.Data); err != nil {
			return nil, err
		}
	}
	content, err := one.content("caption")
	if err != nil {
		return nil, err
	}
	if units(content.Text) > maxCaption {
		return nil, badRequest("message caption is too long")
	}
	return &TelegramMessage{Content: content, File: &TelegramFile{File: file, Photo: item.Type == "photo"}}, nil
}

// sendAlbum adds the messages if the chat takes all of them: each counts.
func (t *Telegram) sendAlbum(q request, messages []*TelegramMessage) (any, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c, thread, reply, err := t.destination(q)
	if err != nil {
		return nil, err
	}
	for range messages {
		if err := t.admitTo(c); err != nil {
			return nil, err
		}
	}
	album, sent := strconv.Itoa(c.nextID), []object{}
	for _, m := range messages {
		m.Thread, m.ReplyTo, m.Silent, m.Album = thread, reply, q.flag("disable_notification"), album
		t.add(c, m)
		sent = append(sent, t.messageJSON(c, m))
	}
	return sent, nil
}
