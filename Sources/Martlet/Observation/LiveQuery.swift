#if canImport(Observation)
  public import Observation

  /// A live query for views: an observable object that holds its newest value.
  ///
  /// ```swift
  /// let people = LiveQuery(database.observe { snapshot in try snapshot.fetch(Person.all) })
  /// // in a view: ForEach(people.value ?? []) { person in Text(person.name) }
  /// ```
  ///
  /// It observes from its creation until it is let go or stopped. An error leaves the last value
  /// in place, and the next value takes the error away.
  @MainActor
  @Observable
  public final class LiveQuery<Value: Sendable> {
    /// The newest value; nil before the first.
    public private(set) var value: Value?
    /// What went wrong since the newest value; nil when nothing did.
    public private(set) var error: (any Error)?
    /// Whether no further value comes: it was stopped, or the database is closed or cannot be read.
    public private(set) var isFinished = false

    @ObservationIgnored private var task: Task<Void, Never>?

    /// Begins to observe.
    public init(_ values: LiveValues<Value>) {
      task = Task { [weak self] in
        for await result in values.results {
          // Not held while it waits, so that letting go of the object ends the observation.
          guard let self, !isFinished else { return }
          take(result)
        }
        self?.isFinished = true
      }
    }

    isolated deinit { task?.cancel() }

    /// Ends the observation; the value stays as it is.
    public func stop() {
      isFinished = true
      task?.cancel()
    }

    private func take(_ result: Result<Value, any Error>) {
      switch result {
      case .success(let value):
        self.value = value
        if error != nil { error = nil }
      case .failure(let error): self.error = error
      }
    }
  }
#endif
