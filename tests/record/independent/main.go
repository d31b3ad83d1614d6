// Verifies what Skypact wrote with the reference implementations of others: golang.org/x/mod/sumdb (note, tlog)
// and github.com/transparency-dev/formats (cosignatures). Nothing of Skypact is used.
//
//	independent LOGKEY WITNESSKEY FOLDER RECEIPT OLDER
//
// FOLDER is an export, RECEIPT a receipt that the witness has cosigned, OLDER an earlier checkpoint of the log.
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	cosignature "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func check(err error, what string) {
	if err != nil {
		log.Fatalf("%s: %v", what, err)
	}
}

func read(path string) []byte {
	data, err := os.ReadFile(path)
	check(err, "read")
	return data
}

func hash(line string) tlog.Hash {
	raw, err := base64.StdEncoding.DecodeString(line)
	check(err, "base64")
	if len(raw) != tlog.HashSize {
		log.Fatalf("not a hash: %q", line)
	}
	return tlog.Hash(raw)
}

// head opens a checkpoint and returns the tree that it names.
func head(data []byte, keys ...note.Verifier) (tlog.Tree, int) {
	opened, err := note.Open(data, note.VerifierList(keys...))
	check(err, "note")
	lines := strings.Split(opened.Text, "\n")
	size, err := strconv.ParseInt(lines[1], 10, 64)
	check(err, "size")
	if lines[0] != keys[0].Name() {
		log.Fatalf("origin %q", lines[0])
	}
	return tlog.Tree{N: size, Hash: hash(lines[2])}, len(opened.Sigs)
}

type files struct{ folder string }

func (f files) Height() int                          { return 8 }
func (f files) SaveTiles(_ []tlog.Tile, _ [][]byte) {}
func (f files) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var out [][]byte
	for _, tile := range tiles {
		// its own names have the height in them, those of C2SP tlog-tiles do not
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		data, err := os.ReadFile(filepath.Join(f.folder, path))
		if err != nil {
			return nil, err
		}
		out = append(out, data)
	}
	return out, nil
}

func main() {
	log.SetFlags(0)
	logKey, err := note.NewVerifier(os.Args[1])
	check(err, "log key")
	witness, err := cosignature.NewVerifierForCosignatureV1(os.Args[2])
	check(err, "witness key")
	folder := os.Args[3]

	tree, _ := head(read(filepath.Join(folder, "checkpoint")), logKey)
	reader := tlog.TileHashReader(tree, files{folder})

	entries := int64(0)
	for n := int64(0); n*256 < tree.N; n++ {
		path := strings.Replace(tlog.Tile{H: 8, L: 0, N: n, W: int(min(256, tree.N-n*256))}.Path(), "tile/8/0/", "tile/entries/", 1)
		for data := read(filepath.Join(folder, path)); len(data) > 0; entries++ {
			length := binary.BigEndian.Uint16(data)
			entry := data[2 : 2+length]
			data = data[2+length:]
			proof, err := tlog.ProveRecord(tree.N, entries, reader)
			check(err, "prove")
			check(tlog.CheckRecord(proof, tree.N, tree.Hash, entries, tlog.RecordHash(entry)), "entry")
		}
	}
	if entries != tree.N {
		log.Fatalf("%d entries in a tree of %d", entries, tree.N)
	}

	older, _ := head(read(os.Args[5]), logKey)
	growth, err := tlog.ProveTree(tree.N, older.N, reader)
	check(err, "prove growth")
	check(tlog.CheckTree(growth, tree.N, tree.Hash, older.N, older.Hash), "growth")

	first, rest, _ := bytes.Cut(read(os.Args[4]), []byte("\n\n"))
	lines := strings.Split(string(first), "\n")
	statement, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(lines[1], "extra "))
	check(err, "statement")
	entry := bytes.TrimSuffix(bytes.TrimPrefix(statement, []byte("skypact entry 1\nentry ")), []byte("\n"))
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[2], "index "), 10, 64)
	check(err, "index")
	var proof tlog.RecordProof
	for _, line := range lines[3:] {
		proof = append(proof, hash(line))
	}
	at, signatures := head(rest, logKey, witness)
	if signatures != 2 {
		log.Fatalf("%d signatures", signatures)
	}
	committed := hash(string(entry))
	check(tlog.CheckRecord(proof, at.N, at.Hash, index, tlog.RecordHash(committed[:])), "receipt")
	fmt.Printf("%d entries, grown from %d; receipt of leaf %d of %d\n", entries, older.N, index, at.N)
}
