// SPDX-License-Identifier: GPL-3.0-or-later
// One error record for every depth of the program: readers fill it, the command line, the log and the window show it.
#pragma once

#include <string>
#include <utility>

namespace sa
{

/// Short and closed. The code decides what the program does next; the texts are for people.
enum class Errc {
    Usage,       ///< a command line option or a job field makes no sense          exit status 2
    NotFound,    ///< a file, folder or tensor that must exist does not            exit status 3
    BadFormat,   ///< a file exists and lies about itself                          exit status 3
    Unsupported, ///< well formed, but not something this program runs             exit status 3
    BadInput,    ///< usable format, unusable content (empty text, busy folder)    exit status 3
    NoSpace,     ///< the disk cannot hold the result                              exit status 3
    OutOfMemory, ///<                                                              exit status 1
    Io,          ///< the operating system refused a read or a write               exit status 1
    Device,      ///< accelerator trouble                                          exit status 1
    Protocol,    ///< the other end of the pipe broke the contract                 exit status 1
    Cancelled,   ///< the user asked for it                                        exit status 130
    Internal,    ///< a bug of ours or of a library                                exit status 1
};

const char* name(Errc code) noexcept;       ///< "BadFormat"; also the wire spelling
Errc errcFromName(const std::string& name); ///< unknown names become Internal
int exitStatus(Errc code) noexcept;         ///< the command line's contract

/// All texts are UTF-8, free of control characters once they pass `display()`, and may be empty except `message`.
struct Error {
    Errc code = Errc::Internal;
    std::string message;  ///< what went wrong, one clause without a full stop: "the header is longer than the file"
    std::string file;     ///< the path as the user would recognise it
    std::string where;    ///< field, tensor or byte offset inside the file: "model.layers.0.mlp.up_proj.weight"
    std::string found;    ///< what is there
    std::string expected; ///< what should be there
    std::string remedy;   ///< what to do about it

    Error&& in(std::string path) &&; ///< sets `file` unless a deeper place did
    Error&& at(std::string place) &&;
    Error&& butFound(std::string text) &&;
    Error&& wanted(std::string text) &&;
    Error&& tryThis(std::string text) &&;

    /// One line for a terminal: "FILE: WHERE: MESSAGE: found X, expected Y. REMEDY". Control characters are escaped.
    std::string sentence() const;
};

Error makeError(Errc code, std::string message);
/// From errno: maps ENOSPC/EDQUOT, ENOENT, ENOMEM and the rest; `doing` is a verb phrase ("write", "open for reading").
Error systemError(int errnoValue, const std::string& doing, const std::string& path);

/// Escapes control characters and invalid UTF-8, and shortens to `maxBytes`: safe for a terminal, a log and a label.
std::string display(const std::string& untrusted, std::size_t maxBytes = 200);

} // namespace sa
