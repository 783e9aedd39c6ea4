// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/command_options.h"

namespace sa::cli
{

namespace
{

/// What quantize and analyze have in common.
void describeQuantizer(Command& command, const QuantizerOptions& fallback)
{
    command.text("mode", "MODE",
                 withDefault("Mode of shiftadd. lat: scales of 8 columns; acc: a scale a column", fallback.mode));
    command.repeatable("calibration", "FILE", "Calibration text; may be repeated [a bundled excerpt]");
    command.number("samples", "N", withDefault("Calibration windows", fallback.samples));
    command.number("seqlen", "N", "Tokens in a window [2048, or the model's context if shorter]");
    command.number("seed", "N", withDefault("Which windows are drawn", fallback.seed));
    command.number("rounds", "N", withDefault("Refinement rounds of the fit", fallback.rounds));
    command.number("apot", "1..3", withDefault("Powers of two in a scale", fallback.apot));
    command.number("group_rows", "N", "Rows that share a scale [lat: an eighth of the rows, acc: all]");
    command.number("damping", "X",
                   withDefault("Damping, as a fraction of the Hessian's mean diagonal", fallback.damping));
    command.onOff("rescale", "Power-of-two factors per input channel, against outliers [on]");
    command.onOff("rotate", "Rotate inputs and outputs by additions [on]");
    command.onOff("weighted_fit", "Fit scales to what errors cost, not to the weights alone [on]");
    command.number("refinements", "N", "Passes over scales and codes after the sweep [lat: 2, acc: 6]");
}

} // namespace

void describeAnalyze(Command& command)
{
    const AnalyzeSpec fallback;
    command.path("model", "Folder of the model (Hugging Face layout)");
    command.text("save_to", "FILE", "Write the sensitivity here (JSON), for shiftadd allocate");
    command.text("csv", "FILE", "Write it as a table, too: a row for each layer and width");
    command.list("bits", "LIST", "Widths to measure, with commas between them [1,2,3,4]");
    command.onOff("measure", "off: only what the weights alone say, within seconds [on]");
    command.text("downstream", "each|scaled|none",
                 withDefault("The model's damage: measured at each width; at one width and scaled to the others by "
                             "their errors; or not at all",
                             fallback.downstream));
    command.number("downstream_samples", "N",
                   withDefault("Windows that the damage is measured on", fallback.downstreamSamples));
    describeQuantizer(command, fallback);
    command.onOff("cache", "Take and leave results in the cache folder [on]");
    command.threadsAndDevice();
}

void describeQuantize(Command& command)
{
    const QuantizeSpec fallback;
    command.path("model", "Folder of the model (Hugging Face layout)");
    command.path("out", "Folder to write; must not exist, or be empty");
    command.text("method", "NAME", withDefault("How to quantize; see shiftadd methods", fallback.method));
    command.settings("options", "--set", "A parameter of the method; may be repeated");
    command.recipe("Read options from a JSON file, such as the recipe that a packed folder records; options of the "
                   "command line go before it");
    describeQuantizer(command, fallback);
    command.number("bits", "1..4", withDefault("Sign planes per weight", fallback.bits));
    command.number("head_bits", "16|8|4|3|2|1",
                   withDefault("Bits of the output head. 16: as it is; 8: bytes; fewer: planes as of any layer",
                               fallback.headBits));
    command.text("plan", "FILE", "Bits layer by layer, as shiftadd allocate writes them; goes before --bits");
    command.onOff("drift_correction", "Make up for what earlier layers lost [on]");
    command.threadsAndDevice();
    command.flag("resume", "Go on with an unfinished job of this OUT where it stopped, if there is one");
    command.flag("restart", "Discard an unfinished job of this OUT and start from the beginning");
}

namespace
{

/// What eval and report have in common.
void describeMeasurements(Command& command)
{
    const EvaluateSpec fallback;
    command.path("model", "Folder of the model, original or packed");
    command.text("ppl", "FILE", "Measure the perplexity on this text");
    command.text("join", "none|raw",
                 withDefault("raw: a raw WikiText file, joined as the literature does", fallback.join));
    command.number("seqlen", "N", withDefault("Tokens in a window", fallback.seqlen));
    command.number("max_windows", "N", "Stop after so many windows [all]");
    command.text("kld_against", "MODEL", "Also measure the divergence from this model on the text");
    command.onOff("noise_floor", "With it: what float16 arithmetic alone makes of that model [on]");
    command.list("tasks", "A,B", "Zero-shot tasks, such as arc_easy,piqa; all for all of them");
    command.number("limit", "N", "Take the first N items of each task [all]");
    command.text("data", "DIR", "Folder of the task files");
    command.text("harness_out", "DIR", "Write the tasks' results here in the format of lm-evaluation-harness");
    command.onOff("cache", "Take finished pieces of earlier runs, and keep those of this one [on]");
    command.threadsAndDevice();
}

} // namespace

void describeEvaluate(Command& command)
{
    describeMeasurements(command);
    command.cpuPrecision();
}

void describeReport(Command& command)
{
    describeMeasurements(command);
    command.text("certificate", "FILE", "JSON file to write");
    command.text("html", "FILE", "Page to write, for browsers and printers");
    command.text("latency", "FILE", "Put in the result of shiftadd bench-latency --json");
    command.number("max_kl", "X", "Fail when the mean divergence is above X nats a token");
    command.number("max_ppl_increase", "X", "Fail when the perplexity is more than X % above the original's");
    command.number("max_accuracy_loss", "X",
                   "Fail when a task's accuracy is more than X percentage points below the original's");
    command.text("override", "REASON", "Pass a failed limit; the reason is recorded");
}

void describeLatency(Command& command)
{
    const LatencySpec fallback;
    command.path("model", "Folder of the model, original or packed");
    command.text("against", "MODEL", "A second model, measured in turns with the first");
    command.list("lengths", "N,N", "Tokens of the prompts [16,64,256]");
    command.number("decode", "N", withDefault("Tokens to decode after each prompt", fallback.decode));
    command.number("repeats", "N", withDefault("Measurements of each", fallback.repeats));
    command.number("warmup", "N", withDefault("Runs before them that do not count", fallback.warmup));
    command.threadsAndDevice();
    command.cpuPrecision();
}

void describeGenerate(Command& command)
{
    const GenerateSpec fallback;
    command.path("model", "Folder of the model, original or packed");
    command.text("prompt", "TEXT", "Text to continue");
    command.messages("A turn of a conversation (user=Hello), put into the model's chat template; may be repeated");
    command.number("max_tokens", "N", withDefault("Tokens to generate at most", fallback.maxTokens));
    command.flag("greedy", "Always take the most likely token");
    command.number("temperature", "X", withDefault("Sampling temperature; 0 is greedy", fallback.temperature));
    command.number("top_p", "X", withDefault("Sample from the likeliest tokens that sum up to X", fallback.topP));
    command.number("seed", "N", withDefault("Seed of the sampling", fallback.seed));
    command.repeatable("stop", "TEXT", "End before this text; may be repeated");
    command.number("top_k_logged", "N",
                   withDefault("Candidates to report with each token (--json)", fallback.topLogged));
    command.list("force_ids", "N,N", "Score these tokens instead of sampling");
    command.text("kld_against", "MODEL", "With --force-ids: also the divergence from this model at each token");
    command.threadsAndDevice();
    command.cpuPrecision();
}

} // namespace sa::cli
