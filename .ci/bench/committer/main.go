// Command committer writes to a panel in MariaDB as the panel does while it
// issues many certificates at once: a commit every few milliseconds.
//
//	committer SOCKET USER PASSWORD DATABASE SECONDS PERIOD_MS
//
// It prints one line of JSON; times are milliseconds.
package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/go-sql-driver/mysql"
)

func main() {
	if len(os.Args) != 7 {
		fmt.Fprintln(os.Stderr, "usage: committer SOCKET USER PASSWORD DATABASE SECONDS PERIOD_MS")
		os.Exit(2)
	}
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "committer:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	cfg := mysql.NewConfig()
	cfg.Net, cfg.Addr, cfg.User, cfg.Passwd, cfg.DBName = "unix", args[0], args[1], args[2], args[3]
	seconds, err1 := strconv.ParseFloat(args[4], 64)
	period, err2 := strconv.ParseFloat(args[5], 64)
	connector, err3 := mysql.NewConnector(cfg)
	for _, err := range []error{err1, err2, err3} {
		if err != nil {
			return err
		}
	}
	ctx := context.Background()
	db := sql.OpenDB(connector)
	defer db.Close()
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	w := writer{conn: conn}
	if err := w.prepare(ctx); err != nil {
		return err
	}
	took, failed := w.write(ctx, time.Duration(seconds*float64(time.Second)), time.Duration(period*float64(time.Millisecond)))
	slices.Sort(took)
	at := func(share float64) float64 {
		if len(took) == 0 {
			return 0
		}
		return float64(took[min(len(took)-1, int(share*float64(len(took))))].Microseconds()) / 1000
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]any{"commits": len(took), "failed": failed, "p50": at(0.5), "p99": at(0.99), "max": at(1)})
}

// writer commits: a certificate begins, and with the next commit ends. One of ten
// fails.
type writer struct {
	conn     *sql.Conn
	log, ssl *sql.Stmt
	rows     int
}

func (w *writer) prepare(ctx context.Context) (err error) {
	if err = w.conn.QueryRowContext(ctx, "SELECT count(*) FROM letsencrypt_ssl").Scan(&w.rows); err != nil {
		return err
	}
	if w.log, err = w.conn.PrepareContext(ctx, "INSERT INTO letsencrypt_log (certname, status, date, message) SELECT certname, ?, now(), concat(domain_name, ' ', md5(rand())) FROM letsencrypt_ssl WHERE id = ?"); err != nil {
		return err
	}
	w.ssl, err = w.conn.PrepareContext(ctx, "UPDATE letsencrypt_ssl SET processing = ?, time_started = now() WHERE id = ?")
	return err
}

func (w *writer) write(ctx context.Context, length, period time.Duration) (took []time.Duration, failed int) {
	begun := time.Now()
	due := begun
	for turn := 0; time.Since(begun) < length; turn++ {
		start := time.Now()
		if err := w.commit(ctx, turn); err != nil {
			failed++
		} else {
			took = append(took, time.Since(start))
		}
		if due = due.Add(period); due.Before(time.Now()) {
			due = time.Now() // a commit that came late is not made up for
		}
		time.Sleep(time.Until(due))
	}
	return took, failed
}

func (w *writer) commit(ctx context.Context, turn int) error {
	id, ends := turn/2%w.rows+1, turn%2 == 1
	status, processing := "processing", "on"
	if ends {
		status, processing = "ok", "off"
		if id%10 == 3 {
			status = "failed"
		}
	}
	tx, err := w.conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if _, err = tx.StmtContext(ctx, w.log).ExecContext(ctx, status, id); err == nil {
		_, err = tx.StmtContext(ctx, w.ssl).ExecContext(ctx, processing, id)
	}
	if err != nil {
		_ = tx.Rollback()
		return err
	}
	return tx.Commit()
}
