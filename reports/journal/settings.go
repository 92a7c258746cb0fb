package journal

import "context"

// Language is the one that people chose for a chat; false: they did not.
func (j *Journal) Language(ctx context.Context, chat string) (language string, ok bool, err error) {
	err = j.look(ctx, "reading a chat's language", func(t *tx) error {
		language, ok, err = one(ctx, t, single[string], `SELECT language FROM chat WHERE address = ? AND language <> ''`, chat)
		return err
	})
	return language, ok, err
}

// SetLanguage keeps the language that people chose for a chat.
func (j *Journal) SetLanguage(ctx context.Context, chat, language string) error {
	return j.change(ctx, "setting a chat's language", func(t *tx) error {
		_, err := t.exec(ctx, `INSERT INTO chat (address, language) VALUES (?, ?)
			ON CONFLICT DO UPDATE SET language = excluded.language`, chat, language)
		return err
	})
}
