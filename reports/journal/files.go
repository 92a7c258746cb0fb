package journal

import (
	"context"
	"crypto/sha256"
	"slices"

	"domovoy/reports"
)

// Files returns the files of a delivery with their data.
func (j *Journal) Files(ctx context.Context, d Delivery) (files []reports.File, err error) {
	err = j.view(ctx, "reading the files of a message", func(t *tx) error {
		with := []Delivery{d}
		with[0].Message.Files = slices.Clone(d.Message.Files)
		err = t.readFiles(ctx, with)
		files = with[0].Message.Files
		return err
	})
	return files, err
}

// withoutData are files by their names only.
func withoutData(files []reports.File) []reports.File {
	files = slices.Clone(files)
	for i := range files {
		files[i].Data = nil
	}
	return files
}

// keepFiles stores the data of a delivery's files.
func (t *tx) keepFiles(ctx context.Context, delivery int64, files []reports.File) error {
	for n, f := range files {
		sum, data := sha256.Sum256(f.Data), f.Data
		if data == nil {
			data = []byte{} // not NULL
		}
		if _, err := t.exec(ctx, `INSERT INTO file (sum, data) VALUES (?, ?) ON CONFLICT DO NOTHING`, sum[:], data); err != nil {
			return err
		}
		if _, err := t.exec(ctx, `INSERT INTO delivery_file (delivery, n, file) SELECT ?, ?, id FROM file WHERE sum = ?`, delivery, n, sum[:]); err != nil {
			return err
		}
	}
	return nil
}

// readFiles reads the data of the files of deliveries.
func (t *tx) readFiles(ctx context.Context, deliveries []Delivery) error {
	type content struct {
		n    int
		data []byte
	}
	for i := range deliveries {
		files := deliveries[i].Message.Files
		if len(files) == 0 {
			continue
		}
		stored, err := all(ctx, t, func(s scanner) (c content, err error) { return c, s.Scan(&c.n, &c.data) },
			`SELECT n, data FROM delivery_file JOIN file ON file.id = delivery_file.file WHERE delivery = ?`, deliveries[i].ID)
		if err != nil {
			return err
		}
		for _, c := range stored {
			if c.n < len(files) {
				files[c.n].Data = c.data
			}
		}
	}
	return nil
}

// dropFiles deletes the files of a delivery, which needs them no more.
func (t *tx) dropFiles(ctx context.Context, delivery int64) error {
	n, err := t.exec(ctx, `DELETE FROM delivery_file WHERE delivery = ?`, delivery)
	if err != nil || n == 0 {
		return err
	}
	return t.pruneFiles(ctx)
}

// pruneFiles deletes the files that no delivery needs.
func (t *tx) pruneFiles(ctx context.Context) error {
	_, err := t.exec(ctx, `DELETE FROM file WHERE NOT EXISTS (SELECT 1 FROM delivery_file WHERE delivery_file.file = file.id)`)
	return err
}
