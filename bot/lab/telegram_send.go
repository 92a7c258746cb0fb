package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"image"
	_ "image/gif"  // decodes what a photo may be
	_ "image/jpeg" // decodes what a photo may be
	_ "image/png"  // decodes what a photo may be
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

// Lengths in UTF-16 code units, after parsing of entities.
// https://core.telegram.org/bots/api#sendmessage
const (
	maxText     = 4096
	maxCaption  = 1024
	maxEntities = 100
)

func (t *Telegram) sendMessage(_ context.Context, q request) (any, error) {
	content, err := q.content("text")
	if err != nil {
		return nil, err
	}
	if err := content.checkText(); err != nil {
		return nil, err
	}
	return t.send(q, content, nil)
}

// send checks the chat and the rate limits, then adds the message.
func (t *Telegram) send(q request, content Content, file *TelegramFile) (any, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c, thread, reply, err := t.destination(q)
	if err != nil {
		return nil, err
	}
	if err := t.admitTo(c); err != nil {
		return nil, err
	}
	m := &TelegramMessage{Thread: thread, ReplyTo: reply, Content: content, File: file, Silent: q.flag("disable_notification")}
	t.add(c, m)
	return t.messageJSON(c, m), nil
}

// destination is the chat of a message, its topic, and the message that it replies to.
// The caller holds t.mu.
func (t *Telegram) destination(q request) (c *chat, thread, reply int, err error) {
	if c, err = t.target(q); err != nil {
		return nil, 0, 0, err
	}
	thread = q.number("message_thread_id", 0)
	if thread != 0 && !c.topics[thread] {
		return nil, 0, 0, badRequest("message thread not found")
	}
	reply, err = q.replyTo(c)
	return c, thread, reply, err
}

// content parses the text or caption, its markup and its buttons.
func (q *request) content(field string) (Content, error) {
	c := Content{Raw: q.params[field], ParseMode: q.params["parse_mode"]}
	if !utf8.ValidString(c.Raw) {
		return c, badRequest("strings must be encoded in UTF-8")
	}
	var err error
	switch {
	case strings.EqualFold(c.ParseMode, "HTML"):
		c.Text, c.Entities, err = parseHTML(c.Raw)
	case c.ParseMode == "":
		c.Text, c.Entities, err = q.plain(c.Raw)
	default:
		err = badRequest("unsupported parse_mode") // the lab does not support the Markdown styles
	}
	if err != nil {
		return c, err
	}
	c.trim()
	if len(c.Entities) > maxEntities {
		// Stricter than the real server, which silently drops the rest.
		return c, badRequest("can't parse entities: too many entities")
	}
	c.Buttons, err = parseKeyboard(q.params["reply_markup"])
	return c, err
}

func (q *request) plain(text string) (string, []Entity, error) {
	var entities []Entity
	if raw := q.params["entities"]; raw != "" && json.Unmarshal([]byte(raw), &entities) != nil {
		return "", nil, badRequest("can't parse entities JSON object")
	}
	return text, entities, nil
}

// trim removes white space around the text, as the real server does.
func (c *Content) trim() {
	start := strings.TrimLeft(c.Text, " \n\r\t")
	cut := units(c.Text) - units(start)
	c.Text = strings.TrimRight(start, " \n\r\t")
	end := units(c.Text)
	for i := range c.Entities {
		e := &c.Entities[i]
		from, to := max(0, e.Offset-cut), min(end, e.Offset+e.Length-cut)
		e.Offset, e.Length = from, to-from
	}
	c.Entities = slices.DeleteFunc(c.Entities, func(e Entity) bool { return e.Length <= 0 })
}

func (c Content) checkText() error {
	switch {
	case c.Text == "":
		return badRequest("message text is empty")
	case units(c.Text) > maxText:
		return badRequest("message is too long")
	}
	return nil
}

// replyTo returns the id of the message to reply to, from the new parameter or the old
// one.
// https://core.telegram.org/bots/api#replyparameters
func (q *request) replyTo(c *chat) (int, error) {
	reply := struct {
		ID      int  `json:"message_id"`
		Without bool `json:"allow_sending_without_reply"`
	}{ID: q.number("reply_to_message_id", 0), Without: q.flag("allow_sending_without_reply")}
	if raw := q.params["reply_parameters"]; raw != "" && json.Unmarshal([]byte(raw), &reply) != nil {
		return 0, badRequest("can't parse reply parameters JSON object")
	}
	switch {
	case reply.ID == 0 || c.others[reply.ID] || c.find(reply.ID) != nil:
		return reply.ID, nil
	case reply.Without:
		return 0, nil
	}
	return 0, badRequest("message to be replied not found")
}

// chatActions lists the actions of sendChatAction.
// https://core.telegram.org/bots/api#sendchataction
func chatActions() []string {
	return []string{"typing", "upload_photo", "record_video", "upload_video", "record_voice", "upload_voice",
		"upload_document", "choose_sticker", "find_location", "record_video_note", "upload_video_note"}
}

func (t *Telegram) sendChatAction(_ context.Context, q request) (any, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, err := t.target(q); err != nil {
		return nil, err
	}
	if !slices.Contains(chatActions(), q.params["action"]) {
		return nil, badRequest("wrong parameter action in request")
	}
	return true, nil
}

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

// upload returns a file from its field or, for attach://name, from another one.
func (q *request) upload(field string, limit int) (File, error) {
	if name, attached := strings.CutPrefix(q.params[field], "attach://"); attached {
		field = name
	} else if q.params[field] != "" { // an id or a URL, neither of which the lab supports
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
