package peerd

import (
	"path/filepath"
	"strconv"
	"strings"

	"github.com/hostlife/hostlife/examples/internal/history"
	"github.com/hostlife/hostlife/examples/internal/wire"
)

const historyUsage = "write a history to `FILE`, which must not exist, for examples/chaos: each announce that was\n" +
	"acknowledged, and each leave. It names the process by the name of the file. Linux only; empty\n" +
	"means none"

// openHistory creates the file of the history, if one is named.
func (f *fleet) openHistory() (err error) {
	if f.cfg.History == "" {
		return nil
	}
	base := filepath.Base(f.cfg.History)
	f.history, err = history.Create(f.cfg.History, strings.TrimSuffix(base, filepath.Ext(base)))
	return err
}

// wasTold writes down that an announce was acknowledged.
func (c *contact) wasTold(began int64, ack wire.Ack) {
	number, _ := strconv.ParseUint(ack.Registration, 10, 64)
	c.write(history.Told, began, number)
}

// write writes down something about the host of this contact.
func (c *contact) write(kind history.Kind, began int64, registration uint64) {
	c.history.Add(history.Entry{
		Kind: kind, Began: began, Host: c.id, Peer: c.line.addr,
		Registration: registration, Incarnation: c.cfg.incarnation,
	})
}
