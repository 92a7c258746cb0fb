package telegram

import (
	"cmp"
	"context"
	"errors"
	"strconv"

	tgbotapi "github.com/go-telegram-bot-api/telegram-bot-api/v5"

	"domovoy/bot"
	"domovoy/reports"
)

// mostAlbum is how many items an album has at most; at least two.
// https://core.telegram.org/bots/api#sendmediagroup
const mostAlbum = 10

// albums are files in the groups in which they can be sent: as many as an album takes,
// and no more bytes than one call takes. What Telegram would refuse is alone, so that
// it does not keep the others back.
func albums(files []reports.File) [][]reports.File {
	var groups [][]reports.File
	size, open := 0, false // whether the last group takes more
	for _, f := range files {
		n := len(f.Data)
		fits := n > 0 && n <= maxDocument
		if last := len(groups) - 1; fits && open && len(groups[last]) < mostAlbum && size+n <= maxDocument {
			groups[last], size = append(groups[last], f), size+n
			continue
		}
		groups = append(groups, []reports.File{f})
		size, open = n, fits
	}
	return groups
}

// albumItem is an InputMediaDocument.
// https://core.telegram.org/bots/api#inputmediadocument
type albumItem struct {
	Type  string `json:"type"`
	Media string `json:"media"`
}

// sendAlbum sends two files or more as an album of documents, silently: a chart is one
// of them, too, because photos do not go with documents.
func (t *Telegram) sendAlbum(ctx context.Context, at place, inReplyTo string, files []reports.File) error {
	d := draft{method: "sendMediaGroup", params: tgbotapi.Params{}, timeout: uploadTimeout, counts: len(files)}
	items := make([]albumItem, len(files))
	for i, f := range files {
		name := "file" + strconv.Itoa(i)
		items[i] = albumItem{Type: "document", Media: "attach://" + name}
		d.files = append(d.files, tgbotapi.RequestFile{Name: name,
			Data: tgbotapi.FileBytes{Name: cmp.Or(oneLine(f.Name), "file"), Bytes: f.Data}})
	}
	d.params["media"] = encode(items)
	d.addressTo(at, inReplyTo, true)
	_, err := t.deliver(ctx, at, d)
	return err
}

// refusesAlbum reports whether Telegram refused an album, so that its files may still
// be accepted one by one.
func refusesAlbum(err error) bool {
	_, refused := errors.AsType[*bot.Refused](err)
	return refused || refusesFile(err)
}
