package sharing

import (
	"github.com/hostlife/hostlife/benchmarks/internal/engine"
	"github.com/hostlife/hostlife/benchmarks/internal/machine"
)

// join measures the join of all hosts, and the memory that they take.
func (b *bench) join() error {
	if _, err := b.fresh(); err != nil {
		return err
	}
	if err := b.start(b.kind); err != nil {
		return err
	}
	before, err := b.memory()
	if err != nil {
		return err
	}
	w := b.window()
	cpu, err := b.engineCPU()
	if err != nil {
		return err
	}
	took, err := b.joinAll()
	if err != nil {
		return err
	}
	after, err := b.engineCPU()
	if err != nil {
		return err
	}
	n := float64(b.Hosts)
	b.add(w.Close(), "a join, all hosts at once, until all members have them", us(took)/n, "us a host")
	b.add(w.Close(), "processor time of the engine for it", us(after-cpu)/n, "us a host")
	return b.addMemory(before)
}

// memory is what the engine takes, in bytes.
type memory struct{ all, feed float64 }

func (b *bench) memory() (m memory, err error) {
	if b.kind == engine.Etcd {
		n, err := engine.Size(b.engine.Addr)
		return memory{all: float64(n)}, err
	}
	info, err := engine.Info(b.engine.Addr)
	if err != nil {
		return m, err
	}
	streams, _, err := engine.Memory(b.engine.Addr)
	return memory{info["used_memory"], float64(streams)}, err
}

func (b *bench) addMemory(before memory) error {
	after, err := b.memory()
	if err != nil {
		return err
	}
	n, l := float64(b.Hosts), machine.Load{}
	if b.kind == engine.Etcd {
		b.add(l, "the file of the database, with the history", (after.all-before.all)/n, "B a host")
		return nil
	}
	b.limited(l, "memory of a host and its metadata", (after.all-before.all-after.feed+before.feed)/n, "B a host", 300)
	b.add(l, "memory of the stream that is the feed, which is trimmed", after.feed/1e6, "MB")
	return nil
}
