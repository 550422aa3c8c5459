package machine

import (
	"os"
	"runtime"
	"testing"
	"time"
)

func TestOthersAreNotOurselves(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux shows this")
	}
	w := Open(func() []int { return nil })
	before, err := Own()
	if err != nil {
		t.Fatal(err)
	}
	for time.Since(w.began) < 50*time.Millisecond {
	}
	after, _ := Own()
	if after <= before {
		t.Errorf("a busy loop took %v", after-before)
	}
	if l := w.Close(); l.Others < 0 || l.Others > float64(runtime.NumCPU()) {
		t.Errorf("others took %v processors", l.Others)
	}
	if m, err := Memory(os.Getpid()); err != nil || m < 1<<20 {
		t.Errorf("%d bytes of memory, %v", m, err)
	}
}

func TestAThreadTakesProcessorTime(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux shows this")
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before, err := Thread()
	if err != nil {
		t.Fatal(err)
	}
	for began := time.Now(); time.Since(began) < 5*time.Millisecond; {
	}
	if after, err := Thread(); err != nil || after <= before {
		t.Errorf("a busy loop took %v, %v", after-before, err)
	}
}
