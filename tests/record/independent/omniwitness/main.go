// The witness and the client of transparency-dev/witness, against Skypact's. Nothing of Skypact is used.
//
//	omniwitness serve LOGKEY             a witness of that log; prints its key and its URL
//	omniwitness ask SIGNINGKEY WITNESSKEY URL
//
// "ask" grows a log of its own, has it cosigned, and asks what must be refused. "key" prints a pair of keys.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"

	cosignature "github.com/transparency-dev/formats/note"
	client "github.com/transparency-dev/witness/client/http"
	"github.com/transparency-dev/witness/config"
	"github.com/transparency-dev/witness/persistence/inmemory"
	"github.com/transparency-dev/witness/witness"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func check(err error, what string) {
	if err != nil {
		log.Fatalf("%s: %v", what, err)
	}
}

func serve(logKey string) {
	ctx := context.Background()
	secret, public, err := note.GenerateKey(rand.Reader, "omni.example")
	check(err, "key")
	signer, err := cosignature.NewSignerForCosignatureV1(secret)
	check(err, "signer")
	key, err := cosignature.VKeyToCosignatureV1(public)
	check(err, "witness key")
	verifier, err := note.NewVerifier(logKey)
	check(err, "log key")
	kept := inmemory.New()
	check(kept.AddLogs(ctx, []config.Log{{Origin: verifier.Name(), VKey: logKey}}), "logs")
	made, err := witness.New(ctx, witness.Opts{
		Persistence: kept,
		Signers:     []note.Signer{signer},
		VerifierForLog: func(_ context.Context, origin string) (note.Verifier, bool, error) {
			return verifier, origin == verifier.Name(), nil
		},
	})
	check(err, "witness")
	http.HandleFunc("POST /add-checkpoint", witness.NewHTTPHandler(made).AddCheckpoint)
	door, err := net.Listen("tcp", "127.0.0.1:0")
	check(err, "listen")
	fmt.Printf("%s http://%s\n", key, door.Addr())
	check(http.Serve(door, nil), "serve")
}

func ask(secret, witnessKey, at string) {
	ctx := context.Background()
	signer, err := note.NewSigner(secret)
	check(err, "signer")
	verifier, err := cosignature.NewVerifierForCosignatureV1(witnessKey)
	check(err, "witness key")
	target, err := url.Parse(at)
	check(err, "url")
	asked := client.NewWitness(target, http.DefaultClient)

	hashes := map[int64]tlog.Hash{}
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var out []tlog.Hash
		for _, index := range indexes {
			out = append(out, hashes[index])
		}
		return out, nil
	})
	grown, old := int64(0), int64(0)
	for _, size := range []int64{1, 2, 7, 8, 300, 300, 70000} {
		for ; grown < size; grown++ {
			made, err := tlog.StoredHashes(grown, fmt.Append(nil, grown), reader)
			check(err, "hashes")
			for at, hash := range made {
				hashes[tlog.StoredHashIndex(0, grown)+int64(at)] = hash
			}
		}
		root, err := tlog.TreeHash(size, reader)
		check(err, "root")
		text := fmt.Sprintf("%s\n%d\n%s\n", signer.Name(), size, root)
		checkpoint, err := note.Sign(&note.Note{Text: text}, signer)
		check(err, "sign")
		var proof [][]byte
		if 0 < old && old < size {
			hashes, err := tlog.ProveTree(size, old, reader)
			check(err, "proof")
			for _, hash := range hashes {
				proof = append(proof, append([]byte{}, hash[:]...))
			}
		}
		lines, _, err := asked.Update(ctx, uint64(old), checkpoint, proof)
		check(err, "update")
		_, err = note.Open(append(checkpoint, lines...), note.VerifierList(verifier))
		check(err, "cosignature")

		expect := func(what string, found, wanted error) {
			if !errors.Is(found, wanted) {
				log.Fatalf("%s at %d: %v, not %v", what, size, found, wanted)
			}
		}
		_, known, err := asked.Update(ctx, uint64(size-1), checkpoint, nil)
		expect("another size", err, witness.ErrCheckpointStale)
		if known != uint64(size) {
			log.Fatalf("it says %d, not %d", known, size)
		}
		_, _, err = asked.Update(ctx, uint64(size+1), checkpoint, nil)
		expect("backward", err, witness.ErrOldSizeInvalid)
		sign := func(origin string, size int64) []byte {
			signed, err := note.Sign(&note.Note{Text: fmt.Sprintf("%s\n%d\n%s\n", origin, size, tlog.Hash{})}, signer)
			check(err, "sign")
			return signed
		}
		_, _, err = asked.Update(ctx, uint64(size), sign(signer.Name(), size), nil)
		expect("a fork", err, witness.ErrRootMismatch)
		_, _, err = asked.Update(ctx, uint64(size), sign(signer.Name(), size+1), nil)
		expect("no proof", err, witness.ErrInvalidProof)
		_, _, err = asked.Update(ctx, 0, sign("nobody.example/log", 1), nil)
		expect("another log", err, witness.ErrUnknownLog)
		old = size
	}
	fmt.Println("cosigned up to", old)
}

func main() {
	log.SetFlags(0)
	switch os.Args[1] {
	case "serve":
		serve(os.Args[2])
	case "ask":
		ask(os.Args[2], os.Args[3], os.Args[4])
	case "key":
		secret, public, err := note.GenerateKey(rand.Reader, "go.example/log")
		check(err, "key")
		fmt.Printf("%s\n%s\n", secret, public)
	}
}
