package slack

import (
	"bytes"
	"context"
	"errors"
	"slices"

	slackgo "github.com/slack-go/slack"

	"domovoy/bot"
	"domovoy/i18n"
	"domovoy/reports"
)

// shareTries is how often the last step of an upload is tried before the
// whole message is given back to the outbox, which would repeat its text.
const shareTries = 3

// stage brings the files of a message to Slack, where nobody sees them until
// share. A file that Slack refuses for good becomes a line of the message:
// the text matters more.
// https://docs.slack.dev/messaging/working-with-files#uploading_files
func (s *Slack) stage(ctx context.Context, m *reports.Message) ([]slackgo.FileSummary, error) {
	var staged []slackgo.FileSummary
	for _, file := range m.Files {
		id, err := s.upload(ctx, file)
		var refused *bot.Permanent
		switch {
		case errors.As(err, &refused) && !voidToken(refused.Reason):
			s.log.Error("Slack refused a file", "file", file.Name, "error", err)
			*m = s.without(*m, []slackgo.FileSummary{{Title: file.Name}}, refused.Reason)
		case err != nil:
			return nil, err
		default:
			staged = append(staged, slackgo.FileSummary{ID: id, Title: file.Name})
		}
	}
	return staged, nil
}

func (s *Slack) upload(ctx context.Context, file reports.File) (string, error) {
	if len(file.Data) == 0 {
		return "", &bot.Permanent{Reason: "empty_file"}
	}
	place, err := s.api.GetUploadURLExternalContext(ctx, slackgo.GetUploadURLExternalParameters{
		FileName: file.Name,
		FileSize: len(file.Data),
	})
	if err != nil {
		return "", s.judge("asking Slack where to upload a file", err)
	}
	err = s.api.UploadToURL(ctx, slackgo.UploadToURLParameters{
		UploadURL: place.UploadURL,
		Filename:  file.Name,
		Reader:    bytes.NewReader(file.Data),
	})
	return place.FileID, s.judge("uploading a file to Slack", err)
}

// share shows uploaded files in a thread.
func (s *Slack) share(ctx context.Context, channel, thread string, files []slackgo.FileSummary) error {
	var err error
	for range shareTries {
		_, err = s.api.CompleteUploadExternalContext(ctx, slackgo.CompleteUploadExternalParameters{
			Files:           files,
			Channel:         channel,
			ThreadTimestamp: thread,
		})
		if err == nil || code(err) != "" || ctx.Err() != nil {
			break
		}
	}
	return s.judge("showing a file in Slack", err)
}

// without adds a line for each file that Slack did not take.
func (s *Slack) without(m reports.Message, files []slackgo.FileSummary, reason string) reports.Message {
	locale := s.bundle.Locale(m.Language, nil)
	m.Sections = slices.Clip(m.Sections)
	for _, file := range files {
		line := locale.Say("slack.nofile", i18n.Args{"Name": file.Title, "Reason": reason})
		m.Sections = append(m.Sections, reports.Section{Text: line})
	}
	return m
}
